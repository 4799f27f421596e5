package outrigger

import "errors"

// RejectedError is the sidecar's word that this application cannot run, or that the two cannot
// understand each other. Code has a page in the sidecar's docs/errors.
type RejectedError struct {
	Code    string
	Message string
}

func (e *RejectedError) Error() string {
	return e.Code + ": " + e.Message
}

// ErrBatchTaken is what store reads return when the batch was taken away meanwhile: what the handler
// does has no effect any more, so it had better return.
var ErrBatchTaken = errors.New("the batch was taken away")
