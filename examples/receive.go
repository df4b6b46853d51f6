// Receives callbacks: go run receive.go
package main

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"os"
	"sync"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

type told struct {
	Type string `json:"type"`
	Data struct {
		JobID string `json:"jobId"`
		URL   string `json:"url"`
	} `json:"data"`
}

func main() {
	webhook, err := standardwebhooks.NewWebhook(os.Getenv("CALLBACK_SECRET")) // whsec_…
	if err != nil {
		log.Fatal(err)
	}
	var seen sync.Map // yours: a table with webhook-id as its key

	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		var t told
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil || webhook.Verify(body, r.Header) != nil || json.Unmarshal(body, &t) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if _, known := seen.LoadOrStore(r.Header.Get("webhook-id"), true); !known {
			log.Println(t.Type, t.Data.JobID, t.Data.URL)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:8090", nil))
}
