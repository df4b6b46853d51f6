<?php
// Receives callbacks: composer require standard-webhooks/standard-webhooks
// php -S 127.0.0.1:8090 receive.php
require __DIR__ . '/vendor/autoload.php';

$webhook = new \StandardWebhooks\Webhook(getenv('CALLBACK_SECRET')); // whsec_…
$body = file_get_contents('php://input');
$headers = array_change_key_case(getallheaders(), CASE_LOWER);

try {
    $told = $webhook->verify($body, $headers);
} catch (\StandardWebhooks\Exception\WebhookVerificationException $e) {
    http_response_code(401);
    return;
}
// The same webhook-id may come twice: keep a table with it as the key.
error_log("{$told['type']} {$told['data']['jobId']} {$told['data']['url']}");
http_response_code(204);
