package report

import "io"

// HTML writes the report as one file that needs nothing else: it prints, is dark or light as the reader likes it, has no script
// and stays below 500 kB for a fleet of any size.
func HTML(w io.Writer, r *Report) error {
	text, err := view("report.html", r)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// Mail gives the body of a mail: tables with colours of their own and nothing that mail programs strip, below 100 kB. The
// HTML report goes with it as an attachment.
func Mail(r *Report) (string, error) { return view("mail.html", r) }
