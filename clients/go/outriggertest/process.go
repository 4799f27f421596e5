package outriggertest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// A driver that does not end with its standard input within this time is killed.
const stopTimeout = 10 * time.Second

// process is a test driver's. It ends with its standard input: one whose test has died ends too.
type process struct {
	Address string `json:"address"`
	Token   string `json:"token"`
	command *exec.Cmd
	input   io.Closer
}

// sidecarCommand is OUTRIGGER_BIN, `outrigger` of the path, or npx.
func sidecarCommand() []string {
	if given := os.Getenv("OUTRIGGER_BIN"); given != "" {
		if strings.HasSuffix(given, ".js") || strings.HasSuffix(given, ".mjs") {
			return []string{"node", given}
		}
		return []string{given}
	}
	if _, err := exec.LookPath("outrigger"); err == nil {
		return []string{"outrigger"}
	}
	return []string{"npx", "--yes", "outrigger"}
}

// start starts a driver, and waits for the line that says where it listens.
func start(command, arguments []string) (*process, error) {
	if command == nil {
		command = sidecarCommand()
	}
	line := append(append(append([]string{}, command...), "test-driver"), arguments...)
	failed := func(err error) error {
		return fmt.Errorf("`%s` cannot be started (%w): install the package outrigger of npm, or set "+
			"OUTRIGGER_BIN to its command", strings.Join(line, " "), err)
	}
	p := &process{command: exec.Command(line[0], line[1:]...)}
	p.command.Stderr = os.Stderr
	input, err := p.command.StdinPipe()
	if err != nil {
		return nil, failed(err)
	}
	p.input = input
	output, err := p.command.StdoutPipe()
	if err != nil {
		return nil, failed(err)
	}
	if err := p.command.Start(); err != nil {
		return nil, failed(err)
	}
	said, err := bufio.NewReader(output).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(said, p)
	}
	if err != nil {
		p.stop()
		return nil, failed(err)
	}
	return p, nil
}

func (p *process) stop() {
	_ = p.input.Close()
	timer := time.AfterFunc(stopTimeout, func() { _ = p.command.Process.Kill() })
	defer timer.Stop()
	// How it ended says nothing about the test.
	_ = p.command.Wait()
}
