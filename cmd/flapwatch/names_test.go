package main

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"flapwatch/api"
)

// TestOddNames: whatever a sender calls a device, and its cluster, what the search finds has a page and an answer.
func TestOddNames(t *testing.T) {
	p := serve(t, folder(t))
	names := []string{"odd<b>&amp;\"x'", `odd\'; DROP TABLE events; --`, "odd\x01\x1b[31m\x7f", "odd\xff\xfe\u202e", "odd/../%2f?#{a}|=;`", "odd name", "odd\tt\u0085", "plain"}
	var text strings.Builder
	for i, name := range names {
		text.WriteString(strings.NewReplacer("<187>41679", "<187>"+string(rune('1'+i)), "SEPE0D1730A8137", name, "ClusterID=StandAloneCluster", "ClusterID=of "+name).Replace(wireForm) + "\n")
	}
	send(t, "tcp", p.tcp, text.String())
	p.stored(uint64(len(names)))
	const window = "from=2015-07-01T00:00:00Z&to=2015-07-03T00:00:00Z"
	_, _, found := p.asBrowser("/devices?q=odd&" + window)
	seen := 0
	for _, part := range strings.Split(found, `href="`)[1:] {
		link, _, _ := strings.Cut(part, `"`)
		if link = html.UnescapeString(link); !strings.HasPrefix(link, "/devices/") {
			continue
		}
		seen++
		address, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(address.Path, "/devices/")
		status, _, page := p.asBrowser(link)
		if status != http.StatusOK || !strings.Contains(page, "The newest 1 line") {
			t.Errorf("%q: %d at %s: %.300s", name, status, link, page)
		}
		for _, part := range strings.Split(page, `href="`)[1:] { // no link to the range leads nowhere
			link, _, _ := strings.Cut(part, `"`)
			if link = html.UnescapeString(link); !strings.Contains(link, "from=2015") {
				continue
			}
			if status, _, body := p.call(http.MethodGet, link, ""); status != http.StatusOK {
				t.Errorf("%q: %d at %s: %.300s", name, status, link, body)
			}
		}
		var d api.DeviceDetail
		status, _, body := p.call(http.MethodGet, "/api/v1"+address.EscapedPath()+"?"+window, "")
		if err := json.Unmarshal(body, &d); err != nil || status != http.StatusOK || d.Device.Device != name {
			t.Errorf("%q: %d, %v: %.300s", name, status, err, body)
		}
	}
	if seen != len(names)-1 {
		t.Errorf("%d of %d devices found", seen, len(names)-1)
	}
}
