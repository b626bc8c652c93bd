// Package step is the kit for steps in Go: the functions of the step contract, as the files in wit describe them.
//
// Paths are resolved inside the image, as after chroot. Errors of the host are of type *Failure.
package step

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Description is what `imagecustomizer step inspect` shows.
type Description struct {
	// Lower-case words joined by "-".
	Name, Version, Summary string
	// JSON Schema, draft 2020-12. The host checks settings against it before the step runs.
	SettingsSchema string
}

// Export says what the step is and what it does; to be called once, in an init function.
func Export[Settings any](description Description, run func(Settings) error) {
	exported.description = description
	exported.run = func(text []byte) error {
		var settings Settings
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&settings); err != nil {
			// The cause could hold a value, which could be a secret.
			return &Failure{Code: InvalidArgument, Message: "the settings are not as the schema says"}
		}
		return run(settings)
	}
}

var exported struct {
	description Description
	run         func([]byte) error
}

// Code says what went wrong; errors.Is compares a failure with it.
type Code uint8

// The codes of the contract.
const (
	NotFound Code = iota
	AlreadyExists
	NotADirectory
	IsADirectory
	DirectoryNotEmpty
	SymlinkLoop
	InvalidPath
	SpecialFile
	ForeignMount
	NoSpace
	ReadOnly
	TooLarge
	Denied
	InvalidArgument
	Unsupported
	TimedOut
	Other
)

func (code Code) Error() string { return fmt.Sprintf("failure %d", uint8(code)) }

// Failure is what a call of the host, or the step, may end with. The message is for a person and ends up in the build log:
// no secrets.
type Failure struct {
	Code    Code
	Message string
}

func (failure *Failure) Error() string { return failure.Message }

// Is makes errors.Is(err, step.NotFound) work.
func (failure *Failure) Is(target error) bool {
	code, ok := target.(Code)
	return ok && failure.Code == code
}

// asFailure is err as the contract has it. An error that wraps a failure keeps its code.
func asFailure(err error) *Failure {
	failure := &Failure{Code: Other, Message: err.Error()}
	var cause *Failure
	if errors.As(err, &cause) {
		failure.Code = cause.Code
	}
	return failure
}

// Level is how loud a message is.
type Level uint8

// The levels of the log.
const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
)

// Kind is what an object in the image or an artifact is.
type Kind uint8

// The kinds of objects.
const (
	Regular Kind = iota
	Directory
	Symlink
	CharDevice
	BlockDevice
	Fifo
	Socket
)

// Owner is the user and group of a file.
type Owner struct{ UID, GID uint32 }

// Timestamp is a point in time since 1970.
type Timestamp struct {
	Seconds     int64
	Nanoseconds uint32
}

// Device is the number of a device node.
type Device struct{ Major, Minor uint32 }

// Metadata is what Stat tells.
type Metadata struct {
	Kind Kind
	// Permission, set-ID and sticky bits: 0 to 0o7777.
	Mode        uint32
	Owner       Owner
	Size, Links uint64
	Modified    Timestamp
	// Only of device nodes.
	Device *Device
}

// Entry is one name in a directory.
type Entry struct {
	Name string
	Kind Kind
	// False when the name is not UTF-8 and therefore only an approximation.
	Addressable bool
}

// Existing says what Write does with a file that is there already.
type Existing uint8

// What can happen to a file that is there already.
const (
	Replace Existing = iota
	Keep
	Append
)

// WriteOptions say how a file is written. The zero value replaces the content, follows a link, and leaves mode and owner as
// they are (0644 and 0:0 for a new file).
type WriteOptions struct {
	Existing       Existing
	Mode           *uint32
	Owner          *Owner
	ReplaceSymlink bool
	// Make missing parent directories.
	Parents bool
}

// TreeOptions say how a tree is copied. The zero value copies mode and owner and leaves files alone that are there.
type TreeOptions struct {
	Owner                   *Owner
	FileMode, DirectoryMode *uint32
	Overwrite               bool
}

// TreeReport is what a call on a whole tree did.
type TreeReport struct{ Files, Directories, Symlinks, Bytes uint64 }
