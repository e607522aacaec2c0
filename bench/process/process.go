// Package process runs programs, and tells what they take, as the kernel counts it: see proc(5). Where the kernel tells nothing, as on
// other systems than Linux, that is 0.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process took.
type Usage struct {
	Wall     time.Duration
	CPU      time.Duration
	Backends time.Duration // processor time of its connections to Postgres, where that was measured
	Peak     float64       // largest resident set, MB
	Output   string
}

// Rate is how many rows a second that is.
func (u Usage) Rate(rows int) float64 { return float64(rows) / u.Wall.Seconds() }

// Run runs a program to its end.
func Run(ctx context.Context, environ []string, name string, args ...string) (u Usage, _ error) {
	var out bytes.Buffer
	p, err := Start(ctx, environ, &out, name, args...)
	if err == nil {
		u, err = p.Wait()
		u.Output = out.String()
	}
	if err != nil {
		return u, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out.String())
	}
	return u, nil
}

// Process is one that runs.
type Process struct {
	PID   int
	cmd   *exec.Cmd
	ended chan struct{} // closed after the next two are set
	usage Usage
	err   error
}

// Start starts a program. What it says goes to out.
func Start(ctx context.Context, environ []string, out io.Writer, name string, args ...string) (*Process, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), environ...)
	cmd.Stdout, cmd.Stderr = out, out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{PID: cmd.Process.Pid, cmd: cmd, ended: make(chan struct{})}
	peak := watchPeak(p.PID)
	go func() {
		defer close(p.ended)
		p.err = cmd.Wait()
		p.usage = Usage{Wall: time.Since(began), CPU: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), Peak: peak()}
	}()
	return p, nil
}

// Wait waits for the end of the process.
func (p *Process) Wait() (Usage, error) {
	<-p.ended
	return p.usage, p.err
}

// Ended tells whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// Interrupt asks the process to end, if it has not.
func (p *Process) Interrupt() error {
	if err := p.cmd.Process.Signal(os.Interrupt); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// Stop asks the process to end, and waits until it has ended well.
func (p *Process) Stop() error {
	err := p.Interrupt()
	_, ended := p.Wait()
	return errors.Join(err, ended)
}

// Kill ends the process as a machine that fails does.
func (p *Process) Kill() (Usage, error) {
	if err := p.cmd.Process.Kill(); err != nil {
		return Usage{}, err
	}
	u, _ := p.Wait() // it was killed
	return u, nil
}

// watchPeak follows the largest resident set until the result is asked for. What a process's end tells of it is of no use here: it counts
// what its parent had in memory when it forked.
func watchPeak(pid int) (peak func() float64) {
	var most float64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			most = max(most, memory(pid, "VmHWM:"))
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	}()
	return func() float64 {
		close(stop)
		<-stopped
		return most
	}
}

// Resident is what a process has in memory now, MB.
func Resident(pid int) float64 { return memory(pid, "VmRSS:") }

// Peak is the most that it has had.
func Peak(pid int) float64 { return memory(pid, "VmHWM:") }

// Private is what a process has in memory that no other has too, MB.
func Private(pid int) float64 {
	return amount(pid, "smaps_rollup", "Private_Clean:") + amount(pid, "smaps_rollup", "Private_Dirty:")
}

// Share adds to what a process has for itself its part of what others have too, MB: of memory that four use, a fourth.
func Share(pid int) float64 { return amount(pid, "smaps_rollup", "\nPss:") }

func memory(pid int, which string) float64 { return amount(pid, "status", which) }

// amount is a number of kilobytes that a file of the kernel about a process tells, in MB.
func amount(pid int, file, which string) float64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(text), which)
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	kb, err := strconv.ParseFloat(fields[0], 64)
	if err != nil {
		return 0
	}
	return kb / 1024
}

// Time is the processor time of a process, and that of its children that have ended: utime and stime, cutime and cstime.
func Time(pid int) (own, ended time.Duration, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after) // from the third on
	if len(fields) < 15 {
		return 0, 0, fmt.Errorf("/proc/%d/stat has %d fields", pid, len(fields))
	}
	const tick = time.Second / 100 // sysconf(_SC_CLK_TCK) is 100 on Linux
	for i, field := range fields[11:15] {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, 0, err
		}
		if i < 2 {
			own += time.Duration(n) * tick
		} else {
			ended += time.Duration(n) * tick
		}
	}
	return own, ended, nil
}

// TimeWithChildren is the processor time of a process and all its children.
func TimeWithChildren(pid int) (time.Duration, error) {
	own, ended, err := Time(pid)
	if err != nil {
		return 0, err
	}
	sum := own + ended
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		return 0, err
	}
	for child := range strings.FieldsSeq(string(children)) {
		n, err := strconv.Atoi(child)
		if err != nil {
			return 0, err
		}
		if spent, _, err := Time(n); err == nil { // else it has ended, and its parent has it
			sum += spent
		}
	}
	return sum, nil
}
