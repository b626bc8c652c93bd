package step

// The calls of the contract. Each pair is the import, as the canonical ABI has it, and the function that steps use.

import "unsafe"

// Interface context.

//go:wasmimport customizer:step/context@0.1.0 step-name
func importStepName(result unsafe.Pointer)

// Name is the step's name in the image definition.
func Name() string {
	result := begin()
	importStepName(result.pointer())
	return result.text(0)
}

//go:wasmimport customizer:step/context@0.1.0 architecture
func importArchitecture(result unsafe.Pointer)

// Architecture is the image's CPU architecture as uname -m names it.
func Architecture() string {
	result := begin()
	importArchitecture(result.pointer())
	return result.text(0)
}

//go:wasmimport customizer:step/context@0.1.0 source-date-epoch
func importSourceDateEpoch() uint64

// SourceDateEpoch is the seconds since 1970 that stand for now.
func SourceDateEpoch() uint64 { return importSourceDateEpoch() }

// Interface log.

//go:wasmimport customizer:step/log@0.1.0 write
func importLog(level uint32, message unsafe.Pointer, messageLen uint32, fields unsafe.Pointer, count uint32)

// Log writes to the host's log. Fields are pairs of key and value.
func Log(level Level, message string, fields ...string) {
	spans := make([]span, 0, len(fields))
	for _, field := range fields {
		spans = append(spans, spanOf(field))
	}
	pairs := uint32(len(spans) / 2)
	importLog(uint32(level), at(message), length(message), unsafe.Pointer(unsafe.SliceData(spans)), pairs)
	keep(fields...)
}

// Interface rootfs.

//go:wasmimport customizer:step/rootfs@0.1.0 resolve
func importResolve(path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// Resolve is where path ends after all links.
func Resolve(path string) (string, error) {
	result := begin()
	importResolve(at(path), length(path), result.pointer())
	return result.textResult()
}

//go:wasmimport customizer:step/rootfs@0.1.0 stat
func importStat(path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// Stat is what path is; a final link is followed.
func Stat(path string) (Metadata, error) {
	result := begin()
	importStat(at(path), length(path), result.pointer())
	return result.metadata()
}

//go:wasmimport customizer:step/rootfs@0.1.0 lstat
func importLstat(path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// Lstat is what path is; a final link is not followed.
func Lstat(path string) (Metadata, error) {
	result := begin()
	importLstat(at(path), length(path), result.pointer())
	return result.metadata()
}

//go:wasmimport customizer:step/rootfs@0.1.0 read-link
func importReadLink(path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// ReadLink is the text of a link.
func ReadLink(path string) (string, error) {
	result := begin()
	importReadLink(at(path), length(path), result.pointer())
	return result.textResult()
}

//go:wasmimport customizer:step/rootfs@0.1.0 list-directory
func importList(path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// List is what a directory holds, in byte order of the names.
func List(path string) ([]Entry, error) {
	result := begin()
	importList(at(path), length(path), result.pointer())
	return result.entries()
}

//go:wasmimport customizer:step/rootfs@0.1.0 read
func importRead(path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// Read is a whole file.
func Read(path string) ([]byte, error) {
	result := begin()
	importRead(at(path), length(path), result.pointer())
	return result.dataResult()
}

//go:wasmimport customizer:step/rootfs@0.1.0 write
func importWrite(path unsafe.Pointer, pathLen uint32, data unsafe.Pointer, dataLen, existing, hasMode, mode, hasOwner,
	uid, gid, replaceSymlink, parents uint32, result unsafe.Pointer)

// Write puts data into a file, all or nothing.
func Write(path string, data []byte, options WriteOptions) error {
	result := begin()
	hasMode, mode := optional(options.Mode)
	hasOwner, uid, gid := optionalOwner(options.Owner)
	importWrite(at(path), length(path), dataAt(data), uint32(len(data)), uint32(options.Existing), hasMode, mode,
		hasOwner, uid, gid, flag(options.ReplaceSymlink), flag(options.Parents), result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 make-directory
func importMakeDirectory(path unsafe.Pointer, pathLen uint32, mode, parents uint32, result unsafe.Pointer)

// MakeDirectory makes a directory owned by 0:0; with parents, missing parents too, and one that is there is
// fine.
func MakeDirectory(path string, mode uint32, parents bool) error {
	result := begin()
	importMakeDirectory(at(path), length(path), mode, flag(parents), result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 make-symlink
func importMakeSymlink(target unsafe.Pointer, targetLen uint32, path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// MakeSymlink stores target as it is.
func MakeSymlink(target, path string) error {
	result := begin()
	importMakeSymlink(at(target), length(target), at(path), length(path), result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 make-hard-link
func importMakeHardLink(existing unsafe.Pointer, existingLen uint32, path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// MakeHardLink gives a file a further name.
func MakeHardLink(existing, path string) error {
	result := begin()
	importMakeHardLink(at(existing), length(existing), at(path), length(path), result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 rename
func importRename(old unsafe.Pointer, oldLen uint32, new unsafe.Pointer, newLen uint32, result unsafe.Pointer)

// Rename renames a link itself, at either end.
func Rename(old, new string) error {
	result := begin()
	importRename(at(old), length(old), at(new), length(new), result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 remove-file
func importRemoveFile(path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// RemoveFile removes a file, link or special file.
func RemoveFile(path string) error {
	result := begin()
	importRemoveFile(at(path), length(path), result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 remove-directory
func importRemoveDirectory(path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// RemoveDirectory removes an empty directory.
func RemoveDirectory(path string) error {
	result := begin()
	importRemoveDirectory(at(path), length(path), result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 remove-tree
func importRemoveTree(path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// RemoveTree removes what is there, however deep, without following links.
func RemoveTree(path string) (TreeReport, error) {
	result := begin()
	importRemoveTree(at(path), length(path), result.pointer())
	return result.report()
}

//go:wasmimport customizer:step/rootfs@0.1.0 copy-tree
func importCopyTree(source unsafe.Pointer, sourceLen uint32, destination unsafe.Pointer, destinationLen uint32, hasOwner, uid, gid, hasFileMode, fileMode, hasDirectoryMode,
	directoryMode, overwrite uint32, result unsafe.Pointer)

// CopyTree copies inside the image; destination is the path of the copy itself.
func CopyTree(source, destination string, options TreeOptions) (TreeReport, error) {
	result := begin()
	hasOwner, uid, gid := optionalOwner(options.Owner)
	hasFileMode, fileMode := optional(options.FileMode)
	hasDirectoryMode, directoryMode := optional(options.DirectoryMode)
	importCopyTree(at(source), length(source), at(destination), length(destination), hasOwner, uid, gid, hasFileMode,
		fileMode, hasDirectoryMode, directoryMode, flag(options.Overwrite), result.pointer())
	return result.report()
}

//go:wasmimport customizer:step/rootfs@0.1.0 set-mode
func importSetMode(path unsafe.Pointer, pathLen uint32, mode uint32, result unsafe.Pointer)

// SetMode sets the low 12 mode bits.
func SetMode(path string, mode uint32) error {
	result := begin()
	importSetMode(at(path), length(path), mode, result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 set-owner
func importSetOwner(path unsafe.Pointer, pathLen uint32, uid, gid, follow uint32, result unsafe.Pointer)

// SetOwner sets user and group; without follow, those of a final link itself.
func SetOwner(path string, owner Owner, follow bool) error {
	result := begin()
	importSetOwner(at(path), length(path), owner.UID, owner.GID, flag(follow), result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 set-modified
func importSetModified(path unsafe.Pointer, pathLen uint32, seconds int64, nanoseconds, follow uint32, result unsafe.Pointer)

// SetModified sets when the content was last changed.
func SetModified(path string, time Timestamp, follow bool) error {
	result := begin()
	importSetModified(at(path), length(path), time.Seconds, time.Nanoseconds, flag(follow), result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 list-xattrs
func importListXattrs(path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// ListXattrs names the extended attributes; a final link is not followed.
func ListXattrs(path string) ([]string, error) {
	result := begin()
	importListXattrs(at(path), length(path), result.pointer())
	return result.textsResult()
}

//go:wasmimport customizer:step/rootfs@0.1.0 get-xattr
func importGetXattr(path unsafe.Pointer, pathLen uint32, name unsafe.Pointer, nameLen uint32, result unsafe.Pointer)

// GetXattr is the value of an extended attribute.
func GetXattr(path, name string) ([]byte, error) {
	result := begin()
	importGetXattr(at(path), length(path), at(name), length(name), result.pointer())
	return result.dataResult()
}

//go:wasmimport customizer:step/rootfs@0.1.0 set-xattr
func importSetXattr(path unsafe.Pointer, pathLen uint32, name unsafe.Pointer, nameLen uint32, value unsafe.Pointer,
	valueLen uint32, result unsafe.Pointer)

// SetXattr sets an extended attribute.
func SetXattr(path, name string, value []byte) error {
	result := begin()
	importSetXattr(at(path), length(path), at(name), length(name), dataAt(value), uint32(len(value)), result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 remove-xattr
func importRemoveXattr(path unsafe.Pointer, pathLen uint32, name unsafe.Pointer, nameLen uint32, result unsafe.Pointer)

// RemoveXattr removes an extended attribute.
func RemoveXattr(path, name string) error {
	result := begin()
	importRemoveXattr(at(path), length(path), at(name), length(name), result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 make-node
func importMakeNode(path unsafe.Pointer, pathLen uint32, kind, mode, hasDevice, major, minor uint32,
	result unsafe.Pointer)

// MakeNode makes a device node or, without a device, a named pipe. It needs grant.nodes in the image definition.
func MakeNode(path string, kind Kind, mode uint32, device *Device) error {
	result := begin()
	var number Device
	if device != nil {
		number = *device
	}
	importMakeNode(at(path), length(path), uint32(kind), mode, flag(device != nil), number.Major, number.Minor,
		result.pointer())
	return result.failure(4)
}

// File is a regular file held open, for one that is too large for Read.
type File struct{ handle int32 }

//go:wasmimport customizer:step/rootfs@0.1.0 open
func importOpen(path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// Open opens a file for reading and writing.
func Open(path string) (File, error) {
	result := begin()
	importOpen(at(path), length(path), result.pointer())
	return result.file()
}

//go:wasmimport customizer:step/rootfs@0.1.0 create
func importCreate(path unsafe.Pointer, pathLen, existing, hasMode, mode, hasOwner, uid, gid, replaceSymlink,
	parents uint32, result unsafe.Pointer)

// Create opens a file for writing, and makes it if it is missing, as the options say.
func Create(path string, options WriteOptions) (File, error) {
	result := begin()
	hasMode, mode := optional(options.Mode)
	hasOwner, uid, gid := optionalOwner(options.Owner)
	importCreate(at(path), length(path), uint32(options.Existing), hasMode, mode, hasOwner, uid, gid,
		flag(options.ReplaceSymlink), flag(options.Parents), result.pointer())
	return result.file()
}

//go:wasmimport customizer:step/rootfs@0.1.0 [method]file.metadata
func importFileMetadata(file int32, result unsafe.Pointer)

// Metadata is what the file is.
func (file File) Metadata() (Metadata, error) {
	result := begin()
	importFileMetadata(file.handle, result.pointer())
	return result.metadata()
}

//go:wasmimport customizer:step/rootfs@0.1.0 [method]file.read-at
func importFileReadAt(file int32, offset uint64, max uint32, result unsafe.Pointer)

// ReadAt reads at most max bytes; none at the end of the file.
func (file File) ReadAt(offset uint64, max uint32) ([]byte, error) {
	result := begin()
	importFileReadAt(file.handle, offset, max, result.pointer())
	return result.dataResult()
}

//go:wasmimport customizer:step/rootfs@0.1.0 [method]file.write-at
func importFileWriteAt(file int32, offset uint64, data unsafe.Pointer, dataLen uint32, result unsafe.Pointer)

// WriteAt writes all of data.
func (file File) WriteAt(offset uint64, data []byte) error {
	result := begin()
	importFileWriteAt(file.handle, offset, dataAt(data), uint32(len(data)), result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 [method]file.set-size
func importFileSetSize(file int32, size uint64, result unsafe.Pointer)

// SetSize cuts the file, or fills it up with zeros.
func (file File) SetSize(size uint64) error {
	result := begin()
	importFileSetSize(file.handle, size, result.pointer())
	return result.failure(4)
}

//go:wasmimport customizer:step/rootfs@0.1.0 [resource-drop]file
func importFileClose(file int32)

// Close lets go of the file; it is not to be used afterwards.
func (file File) Close() { importFileClose(file.handle) }

// Interface artifacts. The path is empty for the artifact itself.

//go:wasmimport customizer:step/artifacts@0.1.0 names
func importArtifactNames(result unsafe.Pointer)

// ArtifactNames are the names of the input files, sorted.
func ArtifactNames() []string {
	result := begin()
	importArtifactNames(result.pointer())
	return result.texts(0)
}

//go:wasmimport customizer:step/artifacts@0.1.0 stat
func importArtifactStat(name unsafe.Pointer, nameLen uint32, path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// ArtifactStat is what a place in an artifact is; a final link is followed.
func ArtifactStat(name, path string) (Metadata, error) {
	result := begin()
	importArtifactStat(at(name), length(name), at(path), length(path), result.pointer())
	return result.metadata()
}

//go:wasmimport customizer:step/artifacts@0.1.0 list-directory
func importArtifactList(name unsafe.Pointer, nameLen uint32, path unsafe.Pointer, pathLen uint32, result unsafe.Pointer)

// ArtifactList is what a directory in an artifact holds.
func ArtifactList(name, path string) ([]Entry, error) {
	result := begin()
	importArtifactList(at(name), length(name), at(path), length(path), result.pointer())
	return result.entries()
}

//go:wasmimport customizer:step/artifacts@0.1.0 read-at
func importArtifactReadAt(name unsafe.Pointer, nameLen uint32, path unsafe.Pointer, pathLen uint32, offset uint64, max uint32, result unsafe.Pointer)

// ArtifactReadAt is at most max bytes of a file; empty at its end.
func ArtifactReadAt(name, path string, offset uint64, max uint32) ([]byte, error) {
	result := begin()
	importArtifactReadAt(at(name), length(name), at(path), length(path), offset, max, result.pointer())
	return result.dataResult()
}

//go:wasmimport customizer:step/artifacts@0.1.0 install
func importInstall(name unsafe.Pointer, nameLen uint32, path unsafe.Pointer, pathLen uint32, destination unsafe.Pointer, destinationLen uint32, hasOwner, uid, gid, hasFileMode, fileMode, hasDirectoryMode,
	directoryMode, overwrite uint32, result unsafe.Pointer)

// Install lets the host copy a file or a tree into the image; no byte of it passes the step.
func Install(name, path, destination string, options TreeOptions) (TreeReport, error) {
	result := begin()
	hasOwner, uid, gid := optionalOwner(options.Owner)
	hasFileMode, fileMode := optional(options.FileMode)
	hasDirectoryMode, directoryMode := optional(options.DirectoryMode)
	importInstall(at(name), length(name), at(path), length(path), at(destination), length(destination), hasOwner, uid, gid, hasFileMode,
		fileMode, hasDirectoryMode, directoryMode, flag(options.Overwrite), result.pointer())
	return result.report()
}
