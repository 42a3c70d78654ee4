package parse

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"
)

// cutInto reads all records of a file, with '+' behind those that were cut, and looks for each at its offset.
func cutInto(t testing.TB, in io.Reader, file string, max int) []string {
	t.Helper()
	r := NewRecords(in, max)
	var all []string
	for r.Next() {
		text := string(r.Text())
		if !strings.HasPrefix(file[r.Offset():], text) {
			t.Errorf("offset %d: %q is not there", r.Offset(), text)
		}
		if r.Cut() {
			text += "+"
		}
		all = append(all, text)
	}
	if r.Err() != nil {
		t.Errorf("error: %v", r.Err())
	}
	return all
}

func TestRecords(t *testing.T) {
	f := func(name, file string, want ...string) {
		t.Helper()
		for _, in := range []io.Reader{strings.NewReader(file), iotest.OneByteReader(strings.NewReader(file))} {
			if got := cutInto(t, in, file, 1000); !slices.Equal(got, want) {
				t.Errorf("%s:\n got %q\nwant %q", name, got, want)
			}
		}
	}
	f("empty", "")
	f("no line break", "<14>a: b", "<14>a: b")
	f("line breaks", "<14>a\n<14>b\r\n\n\r\n<14>c\n", "<14>a", "<14>b", "<14>c")
	f("mark", "\ufeff<14>a\n<14>b", "<14>a", "<14>b")
	f("plain text is not joined", "one\ntwo\n", "one", "two")
	f("wrapped behind the host", // as a public article prints it
		"Jun 17 16:14:24 hcm local7 2 : 15: hcm.net:\nJun 17 2019 14:14:24.808 UTC : %UC_A-2-B : %[AppID=C][NodeID=h]: Text.\nJun 17 16:14:25 hcm local7 6 : 17: x",
		"Jun 17 16:14:24 hcm local7 2 : 15: hcm.net:\nJun 17 2019 14:14:24.808 UTC : %UC_A-2-B : %[AppID=C][NodeID=h]: Text.",
		"Jun 17 16:14:25 hcm local7 6 : 17: x")
	f("wrapped before the header", "11: 0.0.0.0: Jun 13 2003 23:11:52.454 UTC:\n%BACC-3-BAD: Bad\nrequest.\n12: a: Jun 13 2003 23:11:53 UTC: %BACC-3-BAD: x",
		"11: 0.0.0.0: Jun 13 2003 23:11:52.454 UTC:\n%BACC-3-BAD: Bad\nrequest.", "12: a: Jun 13 2003 23:11:53 UTC: %BACC-3-BAD: x")
	f("wrapped in words", "31 uc local7 3 : 41679: uc.local Jul 02 2015\n06:22:31 UTC :   %UC_CALLMANA\nGER-3-EndPointUnreg\nistered: %[DeviceName=S\nEP1][NodeID=u\nc]: Gone\n31 uc local7 3 : 2: x",
		"31 uc local7 3 : 41679: uc.local Jul 02 2015\n06:22:31 UTC :   %UC_CALLMANA\nGER-3-EndPointUnreg\nistered: %[DeviceName=S\nEP1][NodeID=u\nc]: Gone", "31 uc local7 3 : 2: x")
	f("wrapped before the header, a space before the colon", "31 uc local7 3 : 41679: uc.local Jul 02 2015 06:22:31 UTC :   \n%UC_A-3-B: %[NodeID=u\nc]: Gone\n31 uc local7 3 : 2: x",
		"31 uc local7 3 : 41679: uc.local Jul 02 2015 06:22:31 UTC :   \n%UC_A-3-B: %[NodeID=u\nc]: Gone", "31 uc local7 3 : 2: x")
	for _, broken := range []string{"Jul 0\n2 2015 06:22:31", "Jul 02\r\n 2015 06:22:31", "Jul 02 20\n15 06:22:31", "Jul 02 2015 \n06:22:31", "Jul 02 2015 0\n6:22:31"} {
		record := "31 uc local7 3 : 41679: uc.local " + broken + " UTC :   %UC_A-3-B: %[NodeID=uc]: Gone"
		f("wrapped inside the time", record+"\n"+record, record, record)
	}
	f("wrapped inside the host", "31 uc local7 3 : 41679: uc.lo\ncal Jul 02 2015 06:22:31 UTC :   %UC_A-3-B: %[NodeID=uc]: Gone\n31 uc local7 3 : 2: x",
		"31 uc local7 3 : 41679: uc.lo\ncal Jul 02 2015 06:22:31 UTC :   %UC_A-3-B: %[NodeID=uc]: Gone", "31 uc local7 3 : 2: x")
	for _, whole := range []string{"Jul 2", "Jul 02 2015", "Jul 02 2015 06:22:31"} {
		f("whole dates at the end", "<14>1: : x: since "+whole+"\n31 uc local7 3 : 2: x", "<14>1: : x: since "+whole, "31 uc local7 3 : 2: x")
	}
	f("list behind the line break", "12: a: Jun 13 2003 23:11:52.454 UTC: %BACC-4-BAD: \n%[a=b]: Bad \nrequest\n13: a: x",
		"12: a: Jun 13 2003 23:11:52.454 UTC: %BACC-4-BAD: \n%[a=b]: Bad \nrequest", "13: a: x")
	f("forms of other programs", "<14>1: : audispd:node=e type=EOE msg=audit(1630319312.037:11086590):\ncisco-uc||9||6||6||349:||2013-05-30 16:40:29|| : crond[9538]: x||349\n"+
		"<187>1: a: Jul 02 2015 06:22:31 UTC : %UC_A-3-B: x\nsyslogmessage=Dec 22 2015 20:12:57.1 UTC : %UC_A-3-B: x\nCustom Message: Alarm ID: 5 (X) : y",
		"<14>1: : audispd:node=e type=EOE msg=audit(1630319312.037:11086590):", "cisco-uc||9||6||6||349:||2013-05-30 16:40:29|| : crond[9538]: x||349",
		"<187>1: a: Jul 02 2015 06:22:31 UTC : %UC_A-3-B: x", "syslogmessage=Dec 22 2015 20:12:57.1 UTC : %UC_A-3-B: x", "Custom Message: Alarm ID: 5 (X) : y")
	f("a MAC address is no time", "12: a: Jun 13 2003 23:11:52.454 UTC: %BACC-4-BAD: Bad request \nreceived from [1,6,aa:bb:cc:11:22:33].\n13: a: x",
		"12: a: Jun 13 2003 23:11:52.454 UTC: %BACC-4-BAD: Bad request \nreceived from [1,6,aa:bb:cc:11:22:33].", "13: a: x")
	f("cut, the next without number", "Jul 02 2015 06:22:31 UTC : %UC_A-3-B: %[DeviceName=x][Rea\nJul 02 2015 06:22:32 UTC : %UC_A-3-B: %[NodeID=y]: z\n%UC_A-3-B: q",
		"Jul 02 2015 06:22:31 UTC : %UC_A-3-B: %[DeviceName=x][Rea", "Jul 02 2015 06:22:32 UTC : %UC_A-3-B: %[NodeID=y]: z", "%UC_A-3-B: q")
	f("one parameter a line", "%CCM_A-A-3-B: Gone.\n Device name.:SEP1\n Reason Code [Optional].:12\n%CCM_A-A-3-B: Gone.",
		"%CCM_A-A-3-B: Gone.\n Device name.:SEP1\n Reason Code [Optional].:12", "%CCM_A-A-3-B: Gone.")
	f("Windows events", "Error: Device X – y.\nConnecting Port: 0\nApp ID: Z\n\nWarning: Device X – y.\nApp ID: Z",
		"Error: Device X – y.\nConnecting Port: 0\nApp ID: Z", "Warning: Device X – y.\nApp ID: Z")
	f("rows", "\"Jul 02 06:22:31\",\"uc\",\"1: uc: a\nJul 02 06:22:32 b\"\n\"Jul 02 06:22:33\",\"uc\",\"x\"",
		"\"Jul 02 06:22:31\",\"uc\",\"1: uc: a\nJul 02 06:22:32 b\"", "\"Jul 02 06:22:33\",\"uc\",\"x\"")
	f("a clock in a quoted message", "<186>1: p: Jul 02 2015 06:23:01 UTC : %UC_RTMT-2-RTMT_ALERT: %[AlertDetail= At\nThu Jul 02 02:23:01 EDT 2015 x][NodeID=p]: RTMT Alert\n<186>2: x",
		"<186>1: p: Jul 02 2015 06:23:01 UTC : %UC_RTMT-2-RTMT_ALERT: %[AlertDetail= At\nThu Jul 02 02:23:01 EDT 2015 x][NodeID=p]: RTMT Alert", "<186>2: x")
	alert := "<186>1: p: Jul 02 2015 06:23:01 UTC : %UC_RTMT-2-RTMT_ALERT: %[AlertName=SyslogSeverityMatchFound][AlertDetail= At x" +
		strings.Repeat("\nSeverityMatch : Error\nMatchedEvent : Jul 2 02:22:31 u local7 3 ccm: 7: u: Jul 02 2015 06:22:31 UTC : %UC_A-3-B: %[AppID=C][NodeID=u]: Gone\n"+
			"AppID : Cisco Syslog Agent\nNodeID : u\n TimeStamp : Thu Jul 02 02:22:31 EDT 2015", 2) + "][AppID=Cisco AMC Service][ClusterID=][NodeID=p]: RTMT Alert"
	f("an alert in lines", alert+"\n%UC_A-3-B: x\nMatchedEvent : Jul 2 02:22:31 u local7 3 ccm: 7: y", alert, "%UC_A-3-B: x", "MatchedEvent : Jul 2 02:22:31 u local7 3 ccm: 7: y")
	long := strings.Repeat("x", 1500)
	f("too long", "<14>"+long+"\n<14>b", "<14>"+long[:996]+"+", "<14>b")
	f("too long without end", "<14>"+long, "<14>"+long[:996]+"+")
	f("too long over lines", "<14>a\n"+strings.Repeat(long[:99]+"\n", 20)+"<14>b", "<14>a\n"+strings.Repeat(long[:99]+"\n", 9)+long[:94]+"+", "<14>b")
	f("too long in plain text", long+"\n"+long[:7], long[:1000]+"+", long[:7])
	f("too many lines", "<14>a"+strings.Repeat("\nx", 300)+"\n<14>b", "<14>a"+strings.Repeat("\nx", 256)+"+", "<14>b")
	f("NUL bytes", "<14>a\n\x00\x00\x00\n<14>b", "<14>a", "<14>b")
}

func TestRecordsUTF16(t *testing.T) {
	const file = "\ufeff<14>é會 \U0001F4DE\r\n<14>b\n"
	want := []string{"<14>é會 \U0001F4DE", "<14>b"}
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		var b []byte
		for _, unit := range utf16.Encode([]rune(file)) {
			b = order.AppendUint16(b, unit)
		}
		for _, in := range []io.Reader{bytes.NewReader(b), iotest.OneByteReader(bytes.NewReader(b)), iotest.DataErrReader(bytes.NewReader(b))} {
			if got := cutInto(t, in, strings.TrimPrefix(file, "\ufeff"), 100); !slices.Equal(got, want) {
				t.Errorf("%s endian: got %q, want %q", name, got, want)
			}
		}
	}
}

// TestRecordsLarge reads more than the buffer holds, in records of all lengths.
func TestRecordsLarge(t *testing.T) {
	var file strings.Builder
	var want []string
	for i := 0; file.Len() < 3*readSize; i++ {
		record := fmt.Sprintf("<14>%d: %s", i, strings.Repeat("x", i*7919%5000))
		if i%3 == 0 {
			record += "\n goes on"
		}
		want = append(want, record)
		file.WriteString(record + "\r\n")
	}
	for _, in := range []io.Reader{strings.NewReader(file.String()), iotest.HalfReader(strings.NewReader(file.String()))} {
		if got := cutInto(t, in, file.String(), 6000); !slices.Equal(got, want) {
			t.Errorf("%d records, want %d", len(got), len(want))
		}
	}
}

func TestBegins(t *testing.T) {
	f := func(line string, want bool) {
		t.Helper()
		if got := Begins([]byte(line)); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
	f("<187>41679: x", true)
	f("<1870>x", false)
	f("41679: uc: x", true)
	f("411 <187>x", true)
	f("2015-07-02T08:22:31Z a", true)
	f("87042368.004 |15:18:18.129 |AppInfo |", true)
	f("31 uc-ucm-01 local7 3 : 41679: x", true)
	f("31 uc-ucm-01 x", false)
	f("592][Description=Phone]", false)
	f("Jul  2 08:22:31 uc local7 3 ccm: x", true)
	f("Jul 02 2015 06:22:31 UTC : %UC_A-3-B", true)
	f("*Jul 02 2015 06:22:31 UTC : %UC_A-3-B", true)
	f("July was warm enough", false)
	f("CCM|DeviceUnregistered - x", true)
	f("Error: Device X", true)
	f("Explanation: none", false)
	f("%UC_A-3-B: x", true)
	f("%[DeviceName=x]", false)
	f(" Device name.:SEP1", false)
	f("", false)
}

func TestRecordsError(t *testing.T) {
	r := NewRecords(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("<14>a\n<14>b\n"))), 100)
	for r.Next() {
	}
	if r.Err() != iotest.ErrTimeout {
		t.Errorf("error %v, want %v", r.Err(), iotest.ErrTimeout)
	}
}

// TestSamplesAreRecords: each sample, some of which are wrapped, is one record.
func TestSamplesAreRecords(t *testing.T) {
	for _, path := range []string{"testdata/derived.jsonl", "testdata/real.jsonl"} {
		for i, s := range samples(t, path) {
			if got := cutInto(t, strings.NewReader(s.Raw), s.Raw, 64<<10); len(got) != 1 {
				t.Errorf("%s %d: %q", path, i, got)
			}
		}
	}
}
