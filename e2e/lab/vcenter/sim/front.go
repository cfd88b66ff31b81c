package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// front stands before the simulator: it answers what the simulator lacks, and passes on the rest.
type front struct {
	next   http.Handler
	client *vim25.Client
	life   time.Duration

	mu      sync.Mutex
	signed  map[string]bool // sessions that signed in here
	pages   map[string][]string
	answers int // requests so far, by which tests see that nothing is polled
}

func newFront(next http.Handler, client *vim25.Client, life time.Duration) *front {
	return &front{next: next, client: client, life: life, signed: map[string]bool{}, pages: map[string][]string{}}
}

var methodName = regexp.MustCompile(`<(?:\w+:)?Body[^>]*>\s*<(?:\w+:)?(\w+)`)

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/lab/"):
		f.lab(w, r)
	case strings.HasPrefix(r.URL.Path, "/nfc/"):
		f.nfc(w, r)
	case strings.HasPrefix(r.URL.Path, "/folder/"):
		f.folder(w, r)
	case r.URL.Path == "/sdk" && r.Method == http.MethodPost:
		f.sdk(w, r)
	default:
		f.next.ServeHTTP(w, r)
	}
}

// session of the request; a session that was ended is none.
func (f *front) session(r *http.Request) bool {
	cookie, err := r.Cookie(soap.SessionCookieName)
	if err != nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.signed[cookie.Value]
}

// The simulator lets anybody read and write datastores; a vCenter asks for a session.
func (f *front) folder(w http.ResponseWriter, r *http.Request) {
	if !f.session(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="VMware HTTP server"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	f.next.ServeHTTP(w, r)
}

func (f *front) sdk(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	f.answers++
	f.mu.Unlock()
	name := ""
	if found := methodName.FindSubmatch(body); found != nil {
		name = string(found[1])
	}
	signed := f.session(r)
	if !signed {
		r.Header.Del("Cookie")
		if name != "Login" && name != "RetrieveServiceContent" && name != "CurrentTime" {
			answerFault(w, "The session is not authenticated.", &types.NotAuthenticated{NoPermission: types.NoPermission{
				Object: types.ManagedObjectReference{Type: "Folder", Value: "group-d1"}, PrivilegeId: "System.View",
			}})
			return
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if own, ok := f.own()[name]; ok && signed {
		method, err := simulator.UnmarshalBody(types.TypeFunc(), body)
		if err != nil {
			answerFault(w, err.Error(), &types.InvalidRequest{})
			return
		}
		own(w, method.Body)
		return
	}
	switch name {
	case "RetrievePropertiesEx":
		f.paged(w, r, body)
	case "ContinueRetrievePropertiesEx":
		f.more(w, body)
	case "ReconfigVM_Task", "MarkAsTemplate", "MarkAsVirtualMachine":
		f.next.ServeHTTP(w, r)
		changed(body)
	case "CreateSnapshot_Task", "RemoveSnapshot_Task", "RemoveAllSnapshots_Task":
		f.snapshots(w, r, name, body)
	default:
		f.next.ServeHTTP(w, r)
		f.remember(w.Header())
	}
}

func (f *front) own() map[string]func(http.ResponseWriter, types.AnyType) {
	return map[string]func(http.ResponseWriter, types.AnyType){
		"ImportVApp":            f.importVApp,
		"QueryChangedDiskAreas": f.queryChangedDiskAreas,
		"ExportVm":              f.exportVM,
		"ExportSnapshot":        f.exportSnapshot,
	}
}

func (f *front) remember(header http.Header) {
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		if cookie.Name == soap.SessionCookieName {
			f.mu.Lock()
			f.signed[cookie.Value] = true
			f.mu.Unlock()
		}
	}
}

var (
	maxObjects = regexp.MustCompile(`<maxObjects>(\d+)</maxObjects>`)
	tokenGiven = regexp.MustCompile(`<token>([^<]+)</token>`)
)

// The simulator ignores maxObjects; a vCenter gives the rest by token.
func (f *front) paged(w http.ResponseWriter, r *http.Request, body []byte) {
	found := maxObjects.FindSubmatch(body)
	if found == nil {
		f.next.ServeHTTP(w, r)
		return
	}
	size, _ := strconv.Atoi(string(found[1]))
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	f.next.ServeHTTP(answer, r)
	text := answer.body.String()
	begin, end := strings.Index(text, "<objects>"), strings.LastIndex(text, "</objects>")
	if begin < 0 || size <= 0 {
		answer.to(w)
		return
	}
	end += len("</objects>")
	objects := strings.SplitAfter(text[begin:end], "</objects>")
	objects = objects[:len(objects)-1]
	f.page(w, text[:begin], text[end:], objects, size)
}

func (f *front) page(w http.ResponseWriter, head, tail string, objects []string, size int) {
	token := ""
	if len(objects) > size {
		f.mu.Lock()
		token = strconv.Itoa(len(f.pages) + 1)
		f.pages[token] = append([]string{head, tail, strconv.Itoa(size)}, objects[size:]...)
		f.mu.Unlock()
		objects = objects[:size]
		token = "<token>" + token + "</token>"
	}
	w.Header().Set("Content-Type", "text/xml")
	io.WriteString(w, head+token)
	for _, one := range objects {
		io.WriteString(w, one)
	}
	io.WriteString(w, tail)
}

func (f *front) more(w http.ResponseWriter, body []byte) {
	found := tokenGiven.FindSubmatch(body)
	if found == nil {
		answerFault(w, "", &types.InvalidArgument{InvalidProperty: "token"})
		return
	}
	f.mu.Lock()
	rest, ok := f.pages[string(found[1])]
	f.pages[string(found[1])] = nil
	f.mu.Unlock()
	if !ok || rest == nil {
		answerFault(w, "", &types.InvalidArgument{InvalidProperty: "token"})
		return
	}
	size, _ := strconv.Atoi(rest[2])
	head := strings.ReplaceAll(rest[0], "RetrievePropertiesExResponse", "ContinueRetrievePropertiesExResponse")
	tail := strings.ReplaceAll(rest[1], "RetrievePropertiesExResponse", "ContinueRetrievePropertiesExResponse")
	f.page(w, strings.ReplaceAll(head, "ContinueContinue", "Continue"), strings.ReplaceAll(tail, "ContinueContinue", "Continue"), rest[3:], size)
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(p []byte) (int, error) { return r.body.Write(p) }

func (r *recorder) to(w http.ResponseWriter) {
	for key, value := range r.header {
		w.Header()[key] = value
	}
	w.WriteHeader(r.status)
	w.Write(r.body.Bytes())
}

func reply(w http.ResponseWriter, value interface{}) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}
