package onetest

import (
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/internal/artifact"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// mostFields bounds in bytes what comes beside a file.
const mostFields = 64 << 10

// file is a file of a product as it is shown.
type file struct {
	ID          string    `json:"id"`
	ProductID   string    `json:"product_id"`
	Name        string    `json:"name"`
	ContentType string    `json:"content_type"`
	Size        int64     `json:"size"`
	SHA256      string    `json:"sha256"`
	CreatedBy   *string   `json:"created_by"`
	CreatedAt   time.Time `json:"created_at"`
}

func fileOf(a *store.Artifact) file {
	return file{a.ID.String(), a.Project.String(), a.Name, a.Type, a.Size, artifact.Sum(a.Sum).String(),
		maker(store.Maker{User: a.By.ID, Credential: a.MadeBy}), a.CreatedAt}
}

func (h *handlers) listArtifacts(r *edge.Request, ref store.ProjectRef, _ edge.None) (out list[file], err error) {
	s, err := section(r)
	if err != nil {
		return out, err
	}
	found, total, err := h.workspace.ProjectFiles(r.Context(), &r.Principal, ref, s)
	return paged(s, found, total, fileOf), err
}

// newArtifact is the form in which a file comes. Its name is that of the file
// where it isn't said.
type newArtifact struct {
	File string `json:"file"`
	Name string `json:"name"`
}

// mayUpload lets in who may add files to the product in the path.
func (h *handlers) mayUpload(r *edge.Request) error {
	if err := holds(r, artifactsWrite); err != nil {
		return err
	}
	ref, err := h.product(r)
	if err != nil {
		return err
	}
	return h.workspace.MayAddFile(r.Context(), &r.Principal, ref)
}

func (h *handlers) upload(r *edge.Request, u *edge.Upload) (file, error) {
	ref, err := h.product(r)
	if err != nil {
		return file{}, err
	}
	if len(u.Files) != 1 || u.Files[0].Field != "file" {
		return file{}, credential.InvalidField("file", "send one file, in a part of this name, as multipart/form-data")
	}
	up := workspace.Upload{Kind: "file", Name: u.Form.Get("name"), File: u.Files[0].Staged}
	if up.Name == "" {
		up.Name = u.Files[0].Name
	}
	a, err := h.workspace.AddFile(r.Context(), &r.Principal, ref, up, r.Repeat())
	if err != nil {
		return file{}, err
	}
	return fileOf(a), nil
}

// ofArtifact is an endpoint about the file in its path.
func ofArtifact[Out any](fn func(*edge.Request, uuid.UUID) (Out, error)) func(*edge.Request, edge.None) (Out, error) {
	return func(r *edge.Request, _ edge.None) (out Out, err error) {
		id, err := idIn(r, "artifact", "file")
		if err != nil {
			return out, err
		}
		return fn(r, id)
	}
}

func (h *handlers) getArtifact(r *edge.Request, id uuid.UUID) (file, error) {
	a, err := h.workspace.ProjectFile(r.Context(), &r.Principal, id)
	if err != nil {
		return file{}, err
	}
	return fileOf(a), nil
}

func (h *handlers) deleteArtifact(r *edge.Request, id uuid.UUID) (edge.Nothing, error) {
	return edge.Nothing{}, h.workspace.DeleteProjectFile(r.Context(), &r.Principal, id)
}

func (h *handlers) openArtifact(r *edge.Request, id uuid.UUID) (edge.File, error) {
	a, content, err := h.workspace.OpenProjectFile(r.Context(), &r.Principal, id)
	if err != nil {
		return edge.File{}, err
	}
	return edge.FileOf(a, content), nil
}
