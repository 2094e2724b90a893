package workspace

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/seal"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// directFor is how long a file that was announced may come.
const directFor = time.Hour

// DirectUpload is a file that is announced before it comes: what is said of it
// is in its signed id, and nothing is stored until then.
type DirectUpload struct {
	ID      uuid.UUID `json:"id"`
	Issue   uuid.UUID `json:"issue"`
	Name    string    `json:"name"`
	Size    int64     `json:"size"`
	MD5     []byte    `json:"md5"`
	Expires int64     `json:"exp"` // Unix seconds
}

// AnnounceUpload lets a file come to an issue, and returns its signed id.
func (w *Workspace) AnnounceUpload(ctx context.Context, p *credential.Principal, ref IssueRef, d DirectUpload) (signed string, err error) {
	wanted, err := w.completing(ctx, p, ref)
	if err != nil {
		return "", err
	}
	switch most := w.files.Most(); {
	case d.Size < 1:
		return "", credential.InvalidField("byte_size", "say how many bytes the file has")
	case d.Size > most:
		return "", credential.Errorf(credential.TooLarge, "a file may have at most %d bytes", most)
	case len(d.MD5) != md5.Size:
		return "", credential.InvalidField("checksum", "must be the MD5 of the file in base64")
	}
	if d.ID, err = w.newID(); err != nil {
		return "", err
	}
	d.Issue, d.Name, d.Expires = wanted.issue, artifact.Name(d.Name), w.clock().Add(directFor).Unix()
	body, err := json.Marshal(d)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(w.store.Root().MAC(seal.Uploads, []byte(text))), nil
}

// announced reads a signed id, of a file of an issue.
func (w *Workspace) announced(signed string, issue *store.Issue) (d DirectUpload, err error) {
	wrong := credential.InvalidField("blob_signed_id", "is not one that was given out for this issue")
	text, mac, _ := strings.Cut(signed, ".")
	given, err := base64.RawURLEncoding.Strict().DecodeString(mac)
	if err != nil || !w.store.Root().Verifies(seal.Uploads, given, []byte(text)) {
		return d, wrong
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(body, &d) != nil || d.Issue != issue.ID {
		return d, wrong
	}
	return d, nil
}

// TakeUpload takes a file that was announced, which waits then to be confirmed.
// The same once more is as good as once.
func (w *Workspace) TakeUpload(ctx context.Context, p *credential.Principal, ref IssueRef, signed string, f *artifact.Staged) error {
	err := w.complete(ctx, p, ref, func(c *change, issue *store.Issue) error {
		d, err := w.announced(signed, issue)
		switch {
		case err != nil:
			return err
		case !c.at.Before(time.Unix(d.Expires, 0)):
			return credential.InvalidField("blob_signed_id", "its time is over; announce the file again")
		case f.Size != d.Size || !bytes.Equal(f.MD5, d.MD5):
			return credential.InvalidField("checksum", "the file is not the one that was announced: its size or its MD5 differs")
		}
		if _, err := c.ArtifactByID(ctx, d.ID); !errors.Is(err, credential.NotFound) {
			return errors.Join(err, errUnchanged)
		}
		_, err = w.attach(ctx, c, store.ArtifactOwner{Noun: store.WaitingNoun, ID: issue.ID}, Upload{ID: d.ID, Kind: KindOf(f.Type), Name: d.Name, File: f})
		return err
	})
	return unlessUnchanged(err)
}

// ConfirmUpload adds a file that came to its issue, under another name where
// one is said.
func (w *Workspace) ConfirmUpload(ctx context.Context, p *credential.Principal, ref IssueRef, signed, name string) (a *store.Artifact, err error) {
	err = w.complete(ctx, p, ref, func(c *change, issue *store.Issue) error {
		d, err := w.announced(signed, issue)
		if err != nil {
			return err
		}
		if a, err = c.ArtifactByID(ctx, d.ID); errors.Is(err, credential.NotFound) {
			return credential.Errorf(credential.Conflict, "the file has not come yet; send it to its direct_upload_url first")
		}
		if err != nil || a.Owner == ownedBy(issue) {
			return errors.Join(err, errUnchanged)
		}
		if a.Owner = ownedBy(issue); name != "" {
			a.Name = artifact.Name(name)
		}
		c.record("artifact.confirm", "artifact:"+a.ID.String(), aboutArtifact(a))
		return c.OwnArtifact(ctx, a)
	})
	return a, unlessUnchanged(err)
}
