package outrigger

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	pb "github.com/outrigger-io/outrigger/clients/go/internal/gen"
)

// sessionHost is what a session asks of the stream; called under the session's lock.
type sessionHost interface {
	send(frame *pb.ProcessRequest)
	welcomed(welcome *pb.Welcome)
	// rejected: the sidecar refused us, or cannot be understood: for good.
	rejected(err *RejectedError)
	// idle: nothing is in flight any more after stop.
	idle()
}

// fate is what becomes of a batch.
type fate int

const (
	answered fate = iota
	handedBack
	forgotten
)

// held is a batch that this worker holds.
type held struct {
	batch     *pb.Batch
	ctx       context.Context
	cancel    context.CancelFunc
	isStopped atomic.Bool
	fate      fate
}

// forget: nobody waits for the batch any more.
func (h *held) forget() {
	h.fate = forgotten
	h.isStopped.Store(true)
	h.cancel()
}

type question struct {
	held   *held
	answer chan *pb.StateResponse
}

// session is one stream's worth of protocol, without IO: frames in, frames out. Batches of a task run
// in the order in which they came, those of several tasks beside each other, each task in a goroutine.
//
//	greeting ──Welcome──▶ serving ──stop──▶ stopping ──last record──▶ idle;  any ──Reject──▶ rejected
type session struct {
	nodes map[string]*node
	host  sessionHost

	mu     sync.Mutex
	stages []*stageScope
	// Set by the sidecar's welcome.
	isWelcome       bool
	columnsBytesMax int
	state           sessionState
	// What this worker holds, by task, oldest first; the first is under way.
	tasks        map[string][]*held
	questions    map[uint32]question
	nextQuestion uint32
}

type sessionState int

const (
	open sessionState = iota
	stopping
	closed
)

func newSession(nodes map[string]*node, host sessionHost) *session {
	return &session{
		nodes:     nodes,
		host:      host,
		tasks:     map[string][]*held{},
		questions: map[uint32]question{},
	}
}

func (s *session) received(response *pb.ProcessResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == closed {
		return
	}
	switch frame := response.Frame.(type) {
	case *pb.ProcessResponse_Welcome:
		s.takeWelcome(frame.Welcome)
	case *pb.ProcessResponse_Reject:
		s.host.rejected(&RejectedError{frame.Reject.Code, frame.Reject.Message})
	case *pb.ProcessResponse_Batch:
		s.take(frame.Batch)
	case *pb.ProcessResponse_StateResponse:
		s.takeAnswer(frame.StateResponse)
	case *pb.ProcessResponse_Revoked:
		s.revoke(frame.Revoked)
	}
	// Drain: results are still taken; the stream ends when the sidecar is done.
}

// stop finishes the records being worked on, then hands every batch back: a batch is answered as a
// whole or not at all, and whoever gets it next starts from the same state.
func (s *session) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != open {
		return
	}
	s.state = stopping
	// Before the welcome nothing but the hello may be said (P-08), and nothing is held.
	if s.isWelcome {
		s.send(&pb.ProcessRequest{Frame: &pb.ProcessRequest_Credit{Credit: &pb.Credit{}}})
	}
	for task, list := range s.tasks {
		for index, h := range list {
			h.isStopped.Store(true)
			if h.fate == answered {
				h.fate = handedBack
			}
			if index > 0 {
				s.settle(h)
			}
		}
		s.tasks[task] = list[:1]
	}
	s.tellIdle()
}

// close: the stream is gone, and what it carried is worth nothing here any more.
func (s *session) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = closed
	for _, list := range s.tasks {
		for _, h := range list {
			h.forget()
		}
	}
	clear(s.tasks)
	clear(s.questions)
}

func (s *session) takeWelcome(welcome *pb.Welcome) {
	s.isWelcome = true
	s.columnsBytesMax = columnsBytesMax(welcome)
	s.stages = nil
	for _, stage := range welcome.Stages {
		s.stages = append(s.stages, &stageScope{
			nodes:          s.nodes,
			stage:          stage,
			sources:        welcome.Sources,
			applicationID:  welcome.ApplicationId,
			timerSources:   timerSourcesOf(welcome),
			resultBytesMax: s.columnsBytesMax,
		})
	}
	s.host.welcomed(welcome)
}

func (s *session) take(batch *pb.Batch) {
	ctx, cancel := context.WithCancel(context.Background())
	h := &held{batch: batch, ctx: ctx, cancel: cancel}
	if s.state == stopping {
		h.fate = handedBack
		s.settle(h)
		return
	}
	list := append(s.tasks[batch.TaskId], h)
	s.tasks[batch.TaskId] = list
	if len(list) == 1 {
		go s.work(batch.TaskId)
	}
}

// work runs the batches of a task until there are none.
func (s *session) work(task string) {
	for {
		s.mu.Lock()
		list := s.tasks[task]
		if len(list) == 0 || s.state == closed {
			s.mu.Unlock()
			return
		}
		h := list[0]
		stage := s.stageOf(h.batch)
		s.mu.Unlock()
		if stage == nil || !s.run(h, stage) {
			return
		}
	}
}

// run says whether there is more to do.
func (s *session) run(h *held, stage *stageScope) bool {
	ask := func(ctx context.Context, asked *pb.StateRequest) (*pb.StateResponse, error) {
		return s.ask(ctx, h, asked)
	}
	result, err := runBatch(h.ctx, stage, h.batch, ask, &h.isStopped)
	h.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.host.rejected(&RejectedError{"PROTOCOL_VIOLATION", err.Error()})
		return false
	}
	if result != nil && h.fate == answered {
		s.send(&pb.ProcessRequest{Frame: &pb.ProcessRequest_Result{Result: result}})
	} else {
		s.settle(h)
	}
	return s.next(h)
}

func (s *session) next(h *held) bool {
	task := h.batch.TaskId
	list := s.tasks[task]
	if len(list) == 0 || list[0] != h {
		return false
	}
	if len(list) > 1 {
		s.tasks[task] = list[1:]
		return true
	}
	delete(s.tasks, task)
	if s.state == stopping {
		s.tellIdle()
	}
	return false
}

func (s *session) tellIdle() {
	if len(s.tasks) == 0 {
		s.host.idle()
	}
}

func (s *session) stageOf(batch *pb.Batch) *stageScope {
	if int(batch.Stage) < len(s.stages) {
		return s.stages[batch.Stage]
	}
	text := fmt.Sprintf("the sidecar sent a batch of stage %d, which it never announced", batch.Stage)
	s.host.rejected(&RejectedError{"PROTOCOL_VIOLATION", text})
	return nil
}

func (s *session) ask(
	ctx context.Context, h *held, asked *pb.StateRequest,
) (*pb.StateResponse, error) {
	s.mu.Lock()
	if err := checkWritten(asked.Written, s.columnsBytesMax); err != nil {
		s.mu.Unlock()
		return nil, err
	}
	s.nextQuestion++
	asked.RequestId = s.nextQuestion
	asked.DispatchId, asked.TaskEpoch, asked.TaskId = h.batch.DispatchId, h.batch.TaskEpoch, h.batch.TaskId
	q := question{h, make(chan *pb.StateResponse, 1)}
	s.questions[asked.RequestId] = q
	s.send(&pb.ProcessRequest{Frame: &pb.ProcessRequest_StateRequest{StateRequest: asked}})
	s.mu.Unlock()
	select {
	case answer := <-q.answer:
		if answer.Error != "" {
			return nil, fmt.Errorf("%w: %s", ErrBatchTaken, answer.Error)
		}
		return answer, nil
	case <-h.ctx.Done():
		return nil, ErrBatchTaken
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *session) takeAnswer(answer *pb.StateResponse) {
	q, ok := s.questions[answer.RequestId]
	if !ok {
		return
	}
	delete(s.questions, answer.RequestId)
	if answer.Error != "" {
		// Not the record's fault, so no failure: whoever holds the task now starts the batch anew.
		if q.held.fate == answered {
			q.held.fate = handedBack
		}
		q.held.isStopped.Store(true)
	}
	q.answer <- answer
}

func (s *session) revoke(revoked *pb.Revoked) {
	list := s.tasks[revoked.TaskId]
	var kept []*held
	for index, h := range list {
		if h.batch.TaskEpoch == revoked.TaskEpoch {
			h.forget()
		}
		// The one under way stays in its place until it has stopped.
		if index == 0 || h.fate != forgotten {
			kept = append(kept, h)
		}
	}
	if len(kept) > 0 {
		s.tasks[revoked.TaskId] = kept
	}
	for id, q := range s.questions {
		if q.held.fate == forgotten {
			delete(s.questions, id)
		}
	}
}

// settle says what becomes of a batch that is not answered.
func (s *session) settle(h *held) {
	if h.fate == forgotten {
		return
	}
	back := &pb.HandBack{
		DispatchId: h.batch.DispatchId, TaskEpoch: h.batch.TaskEpoch, TaskId: h.batch.TaskId,
	}
	s.send(&pb.ProcessRequest{Frame: &pb.ProcessRequest_HandBack{HandBack: back}})
}

func (s *session) send(frame *pb.ProcessRequest) {
	if s.state != closed {
		s.host.send(frame)
	}
}
