#include "capture/chromium.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "capture/keeper.h"
#include "common/log.h"
#include "common/mem.h"

enum {
    WORDS = 256,
    ARGUMENTS_MAX = 64,
    SHARED_MEMORY_BYTES = 256 * 1024 * 1024,
};

struct chromium {
    struct keeper keeper;
    struct loop_watch *keeper_watch;
    struct message_pipe *pipe;
    int errors_fd;
    struct loop_watch *errors_watch;
    char last_words[WORDS]; /* of its standard error */
    char killed_because[WORDS];
    char *profile;
    message_fn *message;
    chromium_gone_fn *gone;
    void *arg;
};

/* Nothing that calls home, nothing that leaves the machine past the proxy,
 * nothing that waits for a person. */
static const char *const switches[] = {
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-startup-window",
    "--no-service-autorun",
    /* One process less in the way of every frame: nearly twice as fast. */
    "--in-process-gpu",
    "--hide-scrollbars",
    "--mute-audio",
    "--force-color-profile=srgb",
    "--font-render-hinting=none",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-hang-monitor",
    "--deny-permission-prompts",
    "--password-store=basic",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    "--no-pings",
    "--disable-features=Translate,OptimizationHints,MediaRouter,"
    "DialMediaRouteProvider,AutofillServerCommunication,"
    "CertificateTransparencyComponentUpdater",
    /* HTTP/3 and WebRTC would send datagrams, which no proxy sees; names are
     * the proxy's to resolve. */
    "--disable-quic",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    /* Without this, loopback addresses would be reached directly. */
    "--proxy-bypass-list=<-loopback>",
};

static int remove_entry(const char *path, const struct stat *st, int type,
                        struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    (void)remove(path); /* what stays shows when its parent is removed */
    return 0;
}

static void remove_tree(const char *path)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0 &&
        errno != ENOENT)
        log_warning(NULL, "could not remove \"%s\": %s", path, strerror(errno));
}

static void on_keeper_gone(int ready, void *arg)
{
    struct chromium *c = arg;
    char how[WORDS];
    char why[3 * WORDS];

    (void)ready;
    loop_watch_free(c->keeper_watch);
    c->keeper_watch = NULL;
    keeper_reap(&c->keeper, how, sizeof how);
    if (c->killed_because[0] != '\0')
        snprintf(why, sizeof why, "%s", c->killed_because);
    else
        snprintf(why, sizeof why, "%s%s%s", how,
                 c->last_words[0] != '\0' ? "; it last said: " : "",
                 c->last_words);
    c->gone(why, c->arg);
}

static void on_message(const char *ptr, size_t len, bool cut, void *arg)
{
    struct chromium *c = arg;

    c->message(ptr, len, cut, c->arg);
}

/* Its end without our doing: the keeper is about to tell how. */
static void on_pipe_closed(void *arg)
{
    struct chromium *c = arg;

    keeper_kill(&c->keeper);
}

/* Keeps the last line that is no routine complaint of a machine without D-Bus:
 * it is what explains a Chromium that does not start. */
static void on_errors(int ready, void *arg)
{
    struct chromium *c = arg;
    char bytes[4096];
    ssize_t len = read(c->errors_fd, bytes, sizeof bytes - 1);

    (void)ready;
    if (len <= 0) {
        if (len == 0 || (errno != EAGAIN && errno != EINTR))
            loop_watch_set(c->errors_watch, 0);
        return;
    }
    bytes[len] = '\0';
    for (char *line = bytes; *line != '\0';) {
        char *end = line + strcspn(line, "\n");

        if (*end == '\n')
            *end++ = '\0';
        log_debug(NULL, "chromium: %s", line);
        if (*line != '\0' && !strstr(line, "dbus"))
            snprintf(c->last_words, sizeof c->last_words, "%.*s", WORDS - 1,
                     line);
        line = end;
    }
}

void chromium_send(struct chromium *c, const char *ptr, size_t len)
{
    if (message_pipe_send(c->pipe, ptr, len) != 0)
        chromium_kill(c, "it does not read its commands");
}

void chromium_kill(struct chromium *c, const char *why)
{
    if (c->killed_because[0] == '\0')
        snprintf(c->killed_because, sizeof c->killed_because, "%s", why);
    keeper_kill(&c->keeper);
}

/* Chromium shares pictures between its processes through /dev/shm, of which
 * containers have 64 MiB. */
static bool shared_memory_is_small(void)
{
    struct statvfs fs;

    return statvfs("/dev/shm", &fs) != 0 ||
           fs.f_bavail * fs.f_frsize < SHARED_MEMORY_BYTES;
}

static int start_keeper(struct chromium *c,
                        const struct chromium_options *options, int commands_fd,
                        int messages_fd, int errors_fd)
{
    char profile[4096];
    char proxy[64];
    const char *arguments[ARGUMENTS_MAX];
    size_t count = 0;
    struct keeper_options keeper = { .path = options->path,
                                     .commands_fd = commands_fd,
                                     .messages_fd = messages_fd,
                                     .errors_fd = errors_fd };

    snprintf(profile, sizeof profile, "--user-data-dir=%s", options->profile);
    snprintf(proxy, sizeof proxy, "--proxy-server=http://127.0.0.1:%u",
             options->proxy_port);
    arguments[count++] = options->path;
    for (size_t i = 0; i < ARRAY_LEN(switches); i++)
        arguments[count++] = switches[i];
    arguments[count++] = profile;
    arguments[count++] = proxy;
    if (!options->sandbox)
        arguments[count++] = "--no-sandbox";
    if (shared_memory_is_small())
        arguments[count++] = "--disable-dev-shm-usage";
    assert(count < ARGUMENTS_MAX);
    arguments[count] = NULL;
    keeper.arguments = (char *const *)(uintptr_t)arguments;
    return keeper_start(&c->keeper, &keeper);
}

static void close_pair(int pair[2])
{
    if (pair[0] >= 0)
        close(pair[0]);
    if (pair[1] >= 0)
        close(pair[1]);
}

int chromium_start(struct chromium **out, struct loop *loop,
                   const struct chromium_options *options, message_fn *message,
                   chromium_gone_fn *gone, void *arg, char *error,
                   size_t error_size)
{
    struct chromium *c = mem_zalloc(sizeof *c);
    int commands[2] = { -1, -1 };
    int messages[2] = { -1, -1 };
    int errors[2] = { -1, -1 };

    c->profile = mem_strdup(options->profile);
    c->message = message;
    c->gone = gone;
    c->arg = arg;
    remove_tree(options->profile);
    if (mkdir(options->profile, 0700) != 0 || pipe2(commands, O_CLOEXEC) != 0 ||
        pipe2(messages, O_CLOEXEC) != 0 ||
        pipe2(errors, O_CLOEXEC | O_NONBLOCK) != 0 ||
        start_keeper(c, options, commands[0], messages[1], errors[1]) != 0) {
        snprintf(error, error_size, "could not start \"%s\" in \"%s\": %s",
                 options->path, options->profile, strerror(errno));
        close_pair(commands);
        close_pair(messages);
        close_pair(errors);
        free(c->profile);
        free(c);
        return -1;
    }
    close(commands[0]);
    close(messages[1]);
    close(errors[1]);
    c->errors_fd = errors[0];
    c->errors_watch =
        loop_watch_new(loop, c->errors_fd, LOOP_READ, on_errors, c);
    c->keeper_watch =
        loop_watch_new(loop, c->keeper.fd, LOOP_READ, on_keeper_gone, c);
    c->pipe = message_pipe_new(loop, commands[1], messages[0], on_message,
                               on_pipe_closed, c);
    *out = c;
    return 0;
}

void chromium_free(struct chromium *c)
{
    char how[WORDS];

    if (!c)
        return;
    loop_watch_free(c->keeper_watch);
    keeper_kill(&c->keeper);
    keeper_reap(&c->keeper, how, sizeof how);
    loop_watch_free(c->errors_watch);
    close(c->errors_fd);
    message_pipe_free(c->pipe);
    remove_tree(c->profile);
    free(c->profile);
    free(c);
}
