package main

import (
	"fmt"
	"net/http"
	"reflect"

	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
	"github.com/vmware/govmomi/vim25/xml"
)

type envelope struct {
	XMLName xml.Name    `xml:"soapenv:Envelope"`
	Env     string      `xml:"xmlns:soapenv,attr"`
	XSD     string      `xml:"xmlns:xsd,attr"`
	XSI     string      `xml:"xmlns:xsi,attr"`
	Body    interface{} `xml:"soapenv:Body"`
}

type result struct{ value interface{} }

func (r *result) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	name := xml.Name{Space: "urn:vim25", Local: reflect.TypeOf(r.value).Elem().Name()}
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	if err := e.EncodeElement(r.value, xml.StartElement{Name: name}); err != nil {
		return err
	}
	return e.EncodeToken(start.End())
}

type fault struct {
	XMLName xml.Name                `xml:"soapenv:Fault"`
	Code    string                  `xml:"faultcode"`
	String  string                  `xml:"faultstring"`
	Detail  struct{ Fault *detail } `xml:"detail"`
}

type detail struct{ value types.AnyType }

func (d *detail) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	kind := reflect.TypeOf(d.value).Elem().Name()
	start.Name.Local = kind + "Fault"
	start.Attr = append(start.Attr, xml.Attr{Name: xml.Name{Local: "xmlns"}, Value: "urn:vim25"},
		xml.Attr{Name: xml.Name{Local: "xsi:type"}, Value: kind})
	return e.EncodeElement(d.value, start)
}

func write(w http.ResponseWriter, status int, body interface{}) {
	text, err := xml.Marshal(&envelope{
		Env: "http://schemas.xmlsoap.org/soap/envelope/", XSD: "http://www.w3.org/2001/XMLSchema",
		XSI: "http://www.w3.org/2001/XMLSchema-instance", Body: body,
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	fmt.Fprint(w, xml.Header, string(text))
}

func answer(w http.ResponseWriter, response interface{}) {
	write(w, http.StatusOK, &result{response})
}

func answerFault(w http.ResponseWriter, words string, value types.AnyType) {
	f := &fault{Code: "ServerFaultCode", String: words}
	f.Detail.Fault = &detail{value}
	write(w, http.StatusInternalServerError, struct{ Fault *fault }{f})
}

// answerError passes on what the simulator refused.
func answerError(w http.ResponseWriter, err error) {
	if soap.IsSoapFault(err) {
		if inner := soap.ToSoapFault(err).VimFault(); inner != nil {
			answerFault(w, err.Error(), pointer(inner))
			return
		}
	}
	type faulted interface{ Fault() types.BaseMethodFault }
	if inner, ok := err.(faulted); ok {
		answerFault(w, err.Error(), inner.Fault())
		return
	}
	answerFault(w, err.Error(), &types.InvalidRequest{})
}

func pointer(value interface{}) types.AnyType {
	if reflect.TypeOf(value).Kind() == reflect.Ptr {
		return value
	}
	made := reflect.New(reflect.TypeOf(value))
	made.Elem().Set(reflect.ValueOf(value))
	return made.Interface()
}
