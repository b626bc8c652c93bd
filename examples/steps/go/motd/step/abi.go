package step

// How values cross the border, by the rules of the canonical ABI. A result of more than one number is written to an area
// that the caller gives; layouts are those of the component model's specification.

import (
	"encoding/binary"
	"runtime"
	"unsafe"
)

// area holds the result of one call: 72 bytes are the most that one needs (stat).
type area [9]uint64

// given is memory that the host asked for and has filled. What is in use is held by those who use it.
var given [][]uint64

//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	// In units of 8 bytes: no alignment is larger.
	memory := make([]uint64, size/8+1)
	if old != nil {
		copy(bytesAt(unsafe.Pointer(&memory[0]), size), bytesAt(old, oldSize))
	}
	given = append(given, memory)
	return unsafe.Pointer(&memory[0])
}

func bytesAt(at unsafe.Pointer, len uint32) []byte { return unsafe.Slice((*byte)(at), len) }

// begin makes room for the result of a call, and lets go of what earlier ones left.
func begin() *area {
	given = given[:0]
	return new(area)
}

func (a *area) bytes() *[72]byte          { return (*[72]byte)(unsafe.Pointer(a)) }
func (a *area) u8(offset int) uint8       { return a.bytes()[offset] }
func (a *area) u32(offset int) uint32     { return binary.LittleEndian.Uint32(a.bytes()[offset:]) }
func (a *area) u64(offset int) uint64     { return binary.LittleEndian.Uint64(a.bytes()[offset:]) }
func (a *area) content(offset int) []byte { return view(a.u32(offset), a.u32(offset+4)) }
func (a *area) text(offset int) string    { return string(a.content(offset)) }
func (a *area) pointer() unsafe.Pointer   { return unsafe.Pointer(a) }
func (a *area) failure(payload int) error {
	if a.u8(0) == 0 {
		return nil
	}
	return &Failure{Code: Code(a.u8(payload)), Message: a.text(payload + 4)}
}

// view is what lies at an address that the host got from realloc.
func view(at, len uint32) []byte {
	if len == 0 {
		return []byte{}
	}
	return bytesAt(pointer(at), len)
}

// pointer is an address that crossed the border as a number.
func pointer(at uint32) unsafe.Pointer {
	address := uintptr(at)
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

// span is text or bytes as the host takes it.
type span struct{ at, len uint32 }

func spanOf(text string) span {
	return span{uint32(uintptr(unsafe.Pointer(unsafe.StringData(text)))), uint32(len(text))}
}

func at(text string) unsafe.Pointer     { return unsafe.Pointer(unsafe.StringData(text)) }
func length(text string) uint32         { return uint32(len(text)) }
func dataAt(data []byte) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(data)) }

func flag(set bool) uint32 {
	if set {
		return 1
	}
	return 0
}

func optional(value *uint32) (is, number uint32) {
	if value == nil {
		return 0, 0
	}
	return 1, *value
}

func optionalOwner(owner *Owner) (is, uid, gid uint32) {
	if owner == nil {
		return 0, 0, 0
	}
	return 1, owner.UID, owner.GID
}

func (a *area) metadata() (Metadata, error) {
	if err := a.failure(8); err != nil {
		return Metadata{}, err
	}
	metadata := Metadata{
		Kind:     Kind(a.u8(8)),
		Mode:     a.u32(12),
		Owner:    Owner{a.u32(16), a.u32(20)},
		Size:     a.u64(24),
		Links:    a.u64(32),
		Modified: Timestamp{int64(a.u64(40)), a.u32(48)},
	}
	if a.u8(56) != 0 {
		metadata.Device = &Device{a.u32(60), a.u32(64)}
	}
	return metadata, nil
}

func (a *area) entries() ([]Entry, error) {
	if err := a.failure(4); err != nil {
		return nil, err
	}
	raw := view(a.u32(4), a.u32(8)*12)
	entries := make([]Entry, 0, len(raw)/12)
	for ; len(raw) >= 12; raw = raw[12:] {
		name := view(binary.LittleEndian.Uint32(raw), binary.LittleEndian.Uint32(raw[4:]))
		entries = append(entries, Entry{string(name), Kind(raw[8]), raw[9] != 0})
	}
	return entries, nil
}

func (a *area) texts(offset int) []string {
	raw := view(a.u32(offset), a.u32(offset+4)*8)
	texts := make([]string, 0, len(raw)/8)
	for ; len(raw) >= 8; raw = raw[8:] {
		text := view(binary.LittleEndian.Uint32(raw), binary.LittleEndian.Uint32(raw[4:]))
		texts = append(texts, string(text))
	}
	return texts
}

func (a *area) textResult() (string, error) {
	if err := a.failure(4); err != nil {
		return "", err
	}
	return a.text(4), nil
}

func (a *area) dataResult() ([]byte, error) {
	if err := a.failure(4); err != nil {
		return nil, err
	}
	return a.content(4), nil
}

func (a *area) textsResult() ([]string, error) {
	if err := a.failure(4); err != nil {
		return nil, err
	}
	return a.texts(4), nil
}

func (a *area) file() (File, error) {
	if err := a.failure(4); err != nil {
		return File{}, err
	}
	return File{int32(a.u32(4))}, nil
}

func (a *area) report() (TreeReport, error) {
	if err := a.failure(8); err != nil {
		return TreeReport{}, err
	}
	return TreeReport{a.u64(8), a.u64(16), a.u64(24), a.u64(32)}, nil
}

// The exports. Their answers stay where they are until the host has read them, which is before anything runs again.

var answer struct {
	description [10]uint32
	result      [4]uint32
	failure     *Failure
}

//go:wasmexport customizer:step/step@0.1.0#describe
func exportDescribe() unsafe.Pointer {
	description := &exported.description
	texts := []string{description.Name, description.Version, description.Summary, description.SettingsSchema}
	for index, text := range texts {
		span := spanOf(text)
		answer.description[2*index], answer.description[2*index+1] = span.at, span.len
	}
	return unsafe.Pointer(&answer.description)
}

//go:wasmexport customizer:step/step@0.1.0#run
func exportRun(settings unsafe.Pointer, len uint32) unsafe.Pointer {
	// The host's memory is let go of with the first call.
	text := append([]byte(nil), bytesAt(settings, len)...)
	answer.result = [4]uint32{}
	if err := exported.run(text); err != nil {
		answer.failure = asFailure(err)
		message := spanOf(answer.failure.Message)
		answer.result = [4]uint32{1, uint32(answer.failure.Code), message.at, message.len}
	}
	return unsafe.Pointer(&answer.result)
}

func keep[T any](values ...T) {
	for index := range values {
		runtime.KeepAlive(values[index])
	}
}
