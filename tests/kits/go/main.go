// Every call of the step contract, through the kit for Go: as tests/kits/rust/lib.rs.
package main

import (
	"fmt"
	"strings"

	"step.local/front-door/step"
)

func init() {
	step.Export(step.Description{
		Name:           "front-door",
		Version:        "0.1.0",
		Summary:        "Makes every call",
		SettingsSchema: `{"type":"object","additionalProperties":false}`,
	}, run)
}

func main() {}

var answers strings.Builder

func put(call, text string) { fmt.Fprintf(&answers, "%s: %s\n", call, text) }

func show[T any](call string, value T, err error, text func(T) string) {
	if failure, ok := err.(*step.Failure); ok {
		put(call, fmt.Sprintf("failure %d %s", failure.Code, failure.Message))
		return
	}
	put(call, text(value))
}

func done(call string, err error) { show(call, "done", err, same) }
func same(text string) string     { return text }
func hex(data []byte) string      { return fmt.Sprintf("%x", data) }
func joined(texts []string) string {
	return strings.Join(texts, " ")
}

func metadata(value step.Metadata) string {
	device := ""
	if value.Device != nil {
		device = fmt.Sprintf(" %d:%d", value.Device.Major, value.Device.Minor)
	}
	return fmt.Sprintf("%d %o %d:%d %d %d %d.%d%s", value.Kind, value.Mode, value.Owner.UID, value.Owner.GID, value.Size,
		value.Links, value.Modified.Seconds, value.Modified.Nanoseconds, device)
}

func entries(values []step.Entry) string {
	texts := []string{}
	for _, value := range values {
		addressable := 0
		if value.Addressable {
			addressable = 1
		}
		texts = append(texts, fmt.Sprintf("%s/%d/%d", value.Name, value.Kind, addressable))
	}
	return joined(texts)
}

func report(value step.TreeReport) string {
	return fmt.Sprintf("%d %d %d %d", value.Files, value.Directories, value.Symlinks, value.Bytes)
}

func text(call string, value string, err error)          { show(call, value, err, same) }
func texts(call string, value []string, err error)       { show(call, value, err, joined) }
func data(call string, value []byte, err error)          { show(call, value, err, hex) }
func stat(call string, value step.Metadata, err error)   { show(call, value, err, metadata) }
func list(call string, value []step.Entry, err error)    { show(call, value, err, entries) }
func tree(call string, value step.TreeReport, err error) { show(call, value, err, report) }

func mode(mode uint32) *uint32 { return &mode }

func run(struct{}) error {
	put("context", fmt.Sprintf("%s %s %d", step.Name(), step.Architecture(), step.SourceDateEpoch()))
	step.Log(step.Warn, "two fields", "one", "1", "two", "")
	step.Log(step.Debug, "")

	done("make-directory", step.MakeDirectory("/k", 0o750, false))
	done("make-directory", step.MakeDirectory("/k", 0o750, false))
	owned := step.WriteOptions{Mode: mode(0o640), Owner: &step.Owner{UID: 5, GID: 6}}
	done("write", step.Write("/k/a", []byte("one\n"), owned))
	done("write", step.Write("/k/a", []byte("two\n"), step.WriteOptions{Existing: step.Append}))
	done("write", step.Write("/k/a", nil, step.WriteOptions{Existing: step.Keep}))
	content, err := step.Read("/k/a")
	data("read", content, err)
	content, err = step.Read("/none")
	data("read", content, err)
	is, err := step.Stat("/k/a")
	stat("stat", is, err)
	done("make-symlink", step.MakeSymlink("a", "/k/l"))
	is, err = step.Lstat("/k/l")
	stat("lstat", is, err)
	target, err := step.ReadLink("/k/l")
	text("read-link", target, err)
	target, err = step.Resolve("/k/../k/l")
	text("resolve", target, err)
	done("write", step.Write("/k/n/m/f", []byte{}, step.WriteOptions{ReplaceSymlink: true, Parents: true}))
	done("make-hard-link", step.MakeHardLink("/k/a", "/k/h"))
	for _, path := range []string{"/k", "/names", "/k/a"} {
		found, err := step.List(path)
		list("list-directory", found, err)
	}
	done("set-mode", step.SetMode("/k/a", 0o4711))
	done("set-owner", step.SetOwner("/k/l", step.Owner{UID: 9, GID: 8}, false))
	done("set-modified", step.SetModified("/k/a", step.Timestamp{Seconds: -2, Nanoseconds: 5}, true))
	is, err = step.Stat("/k/h")
	stat("stat", is, err)
	is, err = step.Lstat("/k/l")
	stat("lstat", is, err)

	done("set-xattr", step.SetXattr("/k/a", "user.k", []byte("value")))
	done("set-xattr", step.SetXattr("/k/a", "user.empty", nil))
	names, err := step.ListXattrs("/k/a")
	texts("list-xattrs", names, err)
	content, err = step.GetXattr("/k/a", "user.k")
	data("get-xattr", content, err)
	done("remove-xattr", step.RemoveXattr("/k/a", "user.k"))
	content, err = step.GetXattr("/k/a", "user.k")
	data("get-xattr", content, err)

	done("rename", step.Rename("/k/h", "/k/r"))
	done("remove-file", step.RemoveFile("/k/r"))
	done("remove-directory", step.RemoveDirectory("/k/n"))
	options := step.TreeOptions{
		Owner: &step.Owner{UID: 7, GID: 8}, FileMode: mode(0o600), DirectoryMode: mode(0o700), Overwrite: true,
	}
	did, err := step.CopyTree("/k", "/c", options)
	tree("copy-tree", did, err)
	did, err = step.CopyTree("/k", "/c", step.TreeOptions{})
	tree("copy-tree", did, err)
	did, err = step.RemoveTree("/k/n")
	tree("remove-tree", did, err)
	is, err = step.Stat("/c/a")
	stat("stat", is, err)
	is, err = step.Stat("/c/n")
	stat("stat", is, err)

	file, err := step.Open("/k/a")
	if err != nil {
		return err
	}
	is, err = file.Metadata()
	stat("file.metadata", is, err)
	content, err = file.ReadAt(2, 3)
	data("file.read-at", content, err)
	done("file.write-at", file.WriteAt(1, []byte("X")))
	done("file.set-size", file.SetSize(5))
	file.Close()
	content, err = step.Read("/k/a")
	data("read", content, err)
	_, err = step.Open("/none")
	done("open", err)
	file, err = step.Create("/k/new", step.WriteOptions{Mode: mode(0o444)})
	if err != nil {
		return err
	}
	done("file.write-at", file.WriteAt(3, []byte("end")))
	file.Close()
	content, err = step.Read("/k/new")
	data("read", content, err)
	done("make-node", step.MakeNode("/k/pipe", step.Fifo, 0o600, nil))
	done("make-node", step.MakeNode("/k/zero", step.CharDevice, 0o666, &step.Device{Major: 1, Minor: 5}))
	is, err = step.Stat("/k/zero")
	stat("stat", is, err)

	put("names", joined(step.ArtifactNames()))
	is, err = step.ArtifactStat("tree", "sub/file")
	stat("artifact stat", is, err)
	found, err := step.ArtifactList("tree", "")
	list("artifact list", found, err)
	content, err = step.ArtifactReadAt("tree", "sub/file", 1, 3)
	data("artifact read", content, err)
	content, err = step.ArtifactReadAt("none", "", 0, 1)
	data("artifact read", content, err)
	did, err = step.Install("tree", "", "/i", options)
	tree("install", did, err)
	is, err = step.Stat("/i/sub/file")
	stat("stat", is, err)
	return step.Write("/answers", []byte(answers.String()), step.WriteOptions{})
}
