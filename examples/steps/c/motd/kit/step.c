/* The step contract by the rules of the canonical ABI: what a binding generator would write, as far as it is used.
 * Results of more than one number are written to a place that the caller gives; layouts are those of the component
 * model's specification. */
#include "step.h"

#include <stdlib.h>
#include <string.h>

#define IMPORT(interface, function)                                                                                    \
  __attribute__((import_module("customizer:step/" interface "@0.1.0"), import_name(function))) extern
#define EXPORT(name) __attribute__((export_name(name)))

/* Text is a pointer and a length everywhere. */
#define TEXT const char *, size_t
#define PASS(text) (text).data, (text).len

/* Memory. What the host asks for holds its answers; nothing is ever given back. */

static void *allocate(size_t size) {
  void *memory = calloc(1, size ? size : 1);
  if (!memory) __builtin_trap();
  return memory;
}

EXPORT("cabi_realloc")
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
  (void)align; /* At most 8, which malloc gives. */
  void *memory = allocate(size);
  if (old) memcpy(memory, old, old_size < size ? old_size : size);
  return memory;
}

/* Layouts. */

typedef struct {
  uint8_t code;
  step_text message;
} raw_failure;

typedef struct {
  uint8_t kind;
  uint32_t mode, uid, gid;
  uint64_t size, links;
  struct {
    int64_t seconds;
    uint32_t nanoseconds;
  } modified;
  uint8_t is_device;
  uint32_t major, minor;
} raw_metadata;

typedef struct {
  step_text name;
  uint8_t kind, addressable;
} raw_entry;

typedef struct {
  const raw_entry *items;
  size_t count;
} raw_entries;

/* A result: whether it is a failure, then one or the other. */
#define RESULT(name, type)                                                                                             \
  typedef struct {                                                                                                     \
    uint8_t failed;                                                                                                    \
    union {                                                                                                            \
      type value;                                                                                                      \
      raw_failure failure;                                                                                             \
    };                                                                                                                 \
  } name

RESULT(result, raw_failure);
RESULT(result_text, step_text);
RESULT(result_texts, step_texts);
RESULT(result_metadata, raw_metadata);
RESULT(result_entries, raw_entries);
RESULT(result_report, step_tree_report);
RESULT(result_file, int32_t);

_Static_assert(sizeof(void *) == 4, "the layouts are those of wasm32");
_Static_assert(sizeof(result) == 16 && offsetof(result, failure) == 4, "result<_, failure>");
_Static_assert(sizeof(result_text) == 16 && offsetof(result_text, value) == 4, "result<string, failure>");
_Static_assert(sizeof(raw_metadata) == 64 && offsetof(raw_metadata, is_device) == 48, "metadata");
_Static_assert(sizeof(result_metadata) == 72 && offsetof(result_metadata, value) == 8, "result<metadata, failure>");
_Static_assert(sizeof(raw_entry) == 12, "entry");
_Static_assert(sizeof(result_report) == 40 && offsetof(result_report, value) == 8, "result<tree-report, failure>");

/* Exports. */

typedef struct {
  step_text name, version, summary, settings_schema;
  const void *annotations;
  size_t annotation_count;
} raw_description;

EXPORT("customizer:step/step@0.1.0#describe")
raw_description *export_describe(void) {
  raw_description *description = allocate(sizeof *description);
  description->name = step_description_of.name;
  description->version = step_description_of.version;
  description->summary = step_description_of.summary;
  description->settings_schema = step_description_of.settings_schema;
  return description;
}

EXPORT("customizer:step/step@0.1.0#run")
result *export_run(const char *data, size_t len) {
  result *answer = allocate(sizeof *answer);
  const step_failure *failure = step_run((step_text){data, len});
  if (failure) {
    answer->failed = 1;
    answer->failure.code = (uint8_t)failure->code;
    answer->failure.message = failure->message;
  }
  return answer;
}

/* Failures. */

const step_failure *step_fail(step_code code, step_text message) {
  step_failure *failure = allocate(sizeof *failure);
  failure->code = code;
  failure->message = message;
  return failure;
}

static const step_failure *failed(uint8_t is_failure, const raw_failure *raw) {
  return is_failure ? step_fail((step_code)raw->code, raw->message) : NULL;
}

#define FAILED(answer) failed((answer).failed, &(answer).failure)

static const step_failure *text(const result_text *answer, step_text *value) {
  if (answer->failed) return FAILED(*answer);
  *value = answer->value;
  return NULL;
}

static const step_failure *texts(const result_texts *answer, step_texts *value) {
  if (answer->failed) return FAILED(*answer);
  *value = answer->value;
  return NULL;
}

static const step_failure *metadata(const result_metadata *answer, step_metadata *value) {
  if (answer->failed) return FAILED(*answer);
  const raw_metadata *raw = &answer->value;
  *value = (step_metadata){
      .kind = (step_kind)raw->kind,
      .mode = raw->mode,
      .uid = raw->uid,
      .gid = raw->gid,
      .size = raw->size,
      .links = raw->links,
      .modified_seconds = raw->modified.seconds,
      .modified_nanoseconds = raw->modified.nanoseconds,
      .is_device = raw->is_device,
      .major = raw->is_device ? raw->major : 0,
      .minor = raw->is_device ? raw->minor : 0,
  };
  return NULL;
}

static const step_failure *entries(const result_entries *answer, step_entries *value) {
  if (answer->failed) return FAILED(*answer);
  step_entry *items = allocate(answer->value.count * sizeof *items);
  for (size_t index = 0; index < answer->value.count; index++) {
    const raw_entry *raw = &answer->value.items[index];
    items[index] = (step_entry){raw->name, (step_kind)raw->kind, raw->addressable};
  }
  *value = (step_entries){items, answer->value.count};
  return NULL;
}

static const step_failure *report(const result_report *answer, step_tree_report *value) {
  if (answer->failed) return FAILED(*answer);
  if (value) *value = answer->value;
  return NULL;
}

static const step_failure *file(const result_file *answer, step_file *value) {
  if (answer->failed) return FAILED(*answer);
  value->handle = answer->value;
  return NULL;
}

/* Interface context. */

IMPORT("context", "step-name") void import_step_name(step_text *);
IMPORT("context", "architecture") void import_architecture(step_text *);
IMPORT("context", "source-date-epoch") uint64_t import_source_date_epoch(void);

step_text step_name(void) {
  step_text name;
  import_step_name(&name);
  return name;
}

step_text step_architecture(void) {
  step_text name;
  import_architecture(&name);
  return name;
}

uint64_t step_source_date_epoch(void) { return import_source_date_epoch(); }

/* Interface log. */

IMPORT("log", "write") void import_log(int32_t, TEXT, const step_field *, size_t);

void step_log(step_level level, step_text message, const step_field *fields, size_t count) {
  import_log((int32_t)level, PASS(message), fields, count);
}

/* Interface rootfs. */

IMPORT("rootfs", "resolve") void import_resolve(TEXT, result_text *);
IMPORT("rootfs", "stat") void import_stat(TEXT, result_metadata *);
IMPORT("rootfs", "lstat") void import_lstat(TEXT, result_metadata *);
IMPORT("rootfs", "read-link") void import_read_link(TEXT, result_text *);
IMPORT("rootfs", "list-directory") void import_list_directory(TEXT, result_entries *);
IMPORT("rootfs", "read") void import_read(TEXT, result_text *);
IMPORT("rootfs", "write")
void import_write(TEXT, TEXT, int32_t existing, int32_t has_mode, uint32_t mode, int32_t has_owner, uint32_t uid,
                  uint32_t gid, int32_t replace_symlink, int32_t parents, result *);
IMPORT("rootfs", "make-directory") void import_make_directory(TEXT, uint32_t mode, int32_t parents, result *);
IMPORT("rootfs", "make-symlink") void import_make_symlink(TEXT, TEXT, result *);
IMPORT("rootfs", "make-hard-link") void import_make_hard_link(TEXT, TEXT, result *);
IMPORT("rootfs", "rename") void import_rename(TEXT, TEXT, result *);
IMPORT("rootfs", "remove-file") void import_remove_file(TEXT, result *);
IMPORT("rootfs", "remove-directory") void import_remove_directory(TEXT, result *);
IMPORT("rootfs", "remove-tree") void import_remove_tree(TEXT, result_report *);
IMPORT("rootfs", "copy-tree")
void import_copy_tree(TEXT, TEXT, int32_t has_owner, uint32_t uid, uint32_t gid, int32_t has_file_mode,
                      uint32_t file_mode, int32_t has_directory_mode, uint32_t directory_mode, int32_t overwrite,
                      result_report *);
IMPORT("rootfs", "make-node")
void import_make_node(TEXT, int32_t kind, uint32_t mode, int32_t has_device, uint32_t major, uint32_t minor, result *);
IMPORT("rootfs", "set-mode") void import_set_mode(TEXT, uint32_t, result *);
IMPORT("rootfs", "set-owner") void import_set_owner(TEXT, uint32_t uid, uint32_t gid, int32_t follow, result *);
IMPORT("rootfs", "set-modified")
void import_set_modified(TEXT, int64_t seconds, uint32_t nanoseconds, int32_t follow, result *);
IMPORT("rootfs", "list-xattrs") void import_list_xattrs(TEXT, result_texts *);
IMPORT("rootfs", "get-xattr") void import_get_xattr(TEXT, TEXT, result_text *);
IMPORT("rootfs", "set-xattr") void import_set_xattr(TEXT, TEXT, TEXT, result *);
IMPORT("rootfs", "remove-xattr") void import_remove_xattr(TEXT, TEXT, result *);
IMPORT("rootfs", "open") void import_open(TEXT, result_file *);
IMPORT("rootfs", "create")
void import_create(TEXT, int32_t existing, int32_t has_mode, uint32_t mode, int32_t has_owner, uint32_t uid,
                   uint32_t gid, int32_t replace_symlink, int32_t parents, result_file *);
IMPORT("rootfs", "[method]file.metadata") void import_file_metadata(int32_t, result_metadata *);
IMPORT("rootfs", "[method]file.read-at")
void import_file_read_at(int32_t, uint64_t offset, uint32_t max, result_text *);
IMPORT("rootfs", "[method]file.write-at") void import_file_write_at(int32_t, uint64_t offset, TEXT, result *);
IMPORT("rootfs", "[method]file.set-size") void import_file_set_size(int32_t, uint64_t, result *);
IMPORT("rootfs", "[resource-drop]file") void import_file_close(int32_t);

const step_failure *step_resolve(step_text path, step_text *resolved) {
  result_text answer;
  import_resolve(PASS(path), &answer);
  return text(&answer, resolved);
}

const step_failure *step_stat(step_text path, step_metadata *value) {
  result_metadata answer;
  import_stat(PASS(path), &answer);
  return metadata(&answer, value);
}

const step_failure *step_lstat(step_text path, step_metadata *value) {
  result_metadata answer;
  import_lstat(PASS(path), &answer);
  return metadata(&answer, value);
}

const step_failure *step_read_link(step_text path, step_text *target) {
  result_text answer;
  import_read_link(PASS(path), &answer);
  return text(&answer, target);
}

const step_failure *step_list_directory(step_text path, step_entries *value) {
  result_entries answer;
  import_list_directory(PASS(path), &answer);
  return entries(&answer, value);
}

const step_failure *step_read(step_text path, step_text *content) {
  result_text answer;
  import_read(PASS(path), &answer);
  return text(&answer, content);
}

const step_failure *step_write(step_text path, step_text data, step_write_options o) {
  result answer;
  import_write(PASS(path), PASS(data), (int32_t)o.existing, o.has_mode, o.mode, o.has_owner, o.uid, o.gid,
               o.replace_symlink, o.parents, &answer);
  return FAILED(answer);
}

const step_failure *step_make_directory(step_text path, uint32_t mode, bool parents) {
  result answer;
  import_make_directory(PASS(path), mode, parents, &answer);
  return FAILED(answer);
}

const step_failure *step_make_symlink(step_text target, step_text path) {
  result answer;
  import_make_symlink(PASS(target), PASS(path), &answer);
  return FAILED(answer);
}

const step_failure *step_make_hard_link(step_text existing, step_text path) {
  result answer;
  import_make_hard_link(PASS(existing), PASS(path), &answer);
  return FAILED(answer);
}

const step_failure *step_rename(step_text old_path, step_text new_path) {
  result answer;
  import_rename(PASS(old_path), PASS(new_path), &answer);
  return FAILED(answer);
}

const step_failure *step_remove_file(step_text path) {
  result answer;
  import_remove_file(PASS(path), &answer);
  return FAILED(answer);
}

const step_failure *step_remove_directory(step_text path) {
  result answer;
  import_remove_directory(PASS(path), &answer);
  return FAILED(answer);
}

const step_failure *step_remove_tree(step_text path, step_tree_report *value) {
  result_report answer;
  import_remove_tree(PASS(path), &answer);
  return report(&answer, value);
}

const step_failure *step_copy_tree(step_text source, step_text destination, step_tree_options o,
                                   step_tree_report *value) {
  result_report answer;
  import_copy_tree(PASS(source), PASS(destination), o.has_owner, o.uid, o.gid, o.has_file_mode, o.file_mode,
                   o.has_directory_mode, o.directory_mode, o.overwrite, &answer);
  return report(&answer, value);
}

const step_failure *step_make_node(step_text path, step_kind kind, uint32_t mode, const step_device *device) {
  result answer;
  import_make_node(PASS(path), (int32_t)kind, mode, device != NULL, device ? device->major : 0,
                   device ? device->minor : 0, &answer);
  return FAILED(answer);
}

const step_failure *step_set_mode(step_text path, uint32_t mode) {
  result answer;
  import_set_mode(PASS(path), mode, &answer);
  return FAILED(answer);
}

const step_failure *step_set_owner(step_text path, uint32_t uid, uint32_t gid, bool follow) {
  result answer;
  import_set_owner(PASS(path), uid, gid, follow, &answer);
  return FAILED(answer);
}

const step_failure *step_set_modified(step_text path, int64_t seconds, uint32_t nanoseconds, bool follow) {
  result answer;
  import_set_modified(PASS(path), seconds, nanoseconds, follow, &answer);
  return FAILED(answer);
}

const step_failure *step_list_xattrs(step_text path, step_texts *names) {
  result_texts answer;
  import_list_xattrs(PASS(path), &answer);
  return texts(&answer, names);
}

const step_failure *step_get_xattr(step_text path, step_text name, step_text *value) {
  result_text answer;
  import_get_xattr(PASS(path), PASS(name), &answer);
  return text(&answer, value);
}

const step_failure *step_set_xattr(step_text path, step_text name, step_text value) {
  result answer;
  import_set_xattr(PASS(path), PASS(name), PASS(value), &answer);
  return FAILED(answer);
}

const step_failure *step_remove_xattr(step_text path, step_text name) {
  result answer;
  import_remove_xattr(PASS(path), PASS(name), &answer);
  return FAILED(answer);
}

const step_failure *step_open(step_text path, step_file *value) {
  result_file answer;
  import_open(PASS(path), &answer);
  return file(&answer, value);
}

const step_failure *step_create(step_text path, step_write_options o, step_file *value) {
  result_file answer;
  import_create(PASS(path), (int32_t)o.existing, o.has_mode, o.mode, o.has_owner, o.uid, o.gid, o.replace_symlink,
                o.parents, &answer);
  return file(&answer, value);
}

const step_failure *step_file_metadata(step_file opened, step_metadata *value) {
  result_metadata answer;
  import_file_metadata(opened.handle, &answer);
  return metadata(&answer, value);
}

const step_failure *step_file_read_at(step_file opened, uint64_t offset, uint32_t max, step_text *content) {
  result_text answer;
  import_file_read_at(opened.handle, offset, max, &answer);
  return text(&answer, content);
}

const step_failure *step_file_write_at(step_file opened, uint64_t offset, step_text data) {
  result answer;
  import_file_write_at(opened.handle, offset, PASS(data), &answer);
  return FAILED(answer);
}

const step_failure *step_file_set_size(step_file opened, uint64_t size) {
  result answer;
  import_file_set_size(opened.handle, size, &answer);
  return FAILED(answer);
}

void step_file_close(step_file opened) { import_file_close(opened.handle); }

/* Interface artifacts. */

IMPORT("artifacts", "names") void import_artifact_names(step_texts *);
IMPORT("artifacts", "stat") void import_artifact_stat(TEXT, TEXT, result_metadata *);
IMPORT("artifacts", "list-directory") void import_artifact_list(TEXT, TEXT, result_entries *);
IMPORT("artifacts", "read-at") void import_artifact_read_at(TEXT, TEXT, uint64_t offset, uint32_t max, result_text *);
IMPORT("artifacts", "install")
void import_install(TEXT, TEXT, TEXT, int32_t has_owner, uint32_t uid, uint32_t gid, int32_t has_file_mode,
                    uint32_t file_mode, int32_t has_directory_mode, uint32_t directory_mode, int32_t overwrite,
                    result_report *);

step_texts step_artifact_names(void) {
  step_texts names;
  import_artifact_names(&names);
  return names;
}

const step_failure *step_artifact_stat(step_text name, step_text path, step_metadata *value) {
  result_metadata answer;
  import_artifact_stat(PASS(name), PASS(path), &answer);
  return metadata(&answer, value);
}

const step_failure *step_artifact_list(step_text name, step_text path, step_entries *value) {
  result_entries answer;
  import_artifact_list(PASS(name), PASS(path), &answer);
  return entries(&answer, value);
}

const step_failure *step_artifact_read_at(step_text name, step_text path, uint64_t offset, uint32_t max,
                                          step_text *content) {
  result_text answer;
  import_artifact_read_at(PASS(name), PASS(path), offset, max, &answer);
  return text(&answer, content);
}

const step_failure *step_install(step_text name, step_text path, step_text destination, step_tree_options o,
                                 step_tree_report *value) {
  result_report answer;
  import_install(PASS(name), PASS(path), PASS(destination), o.has_owner, o.uid, o.gid, o.has_file_mode, o.file_mode,
                 o.has_directory_mode, o.directory_mode, o.overwrite, &answer);
  return report(&answer, value);
}

/* Help with text. */

bool step_text_is(step_text one, step_text other) {
  return one.len == other.len && (one.len == 0 || memcmp(one.data, other.data, one.len) == 0);
}

step_text step_join(const step_text *parts) {
  size_t len = 0;
  for (const step_text *part = parts; part->data; part++) len += part->len;
  char *data = allocate(len), *end = data;
  for (const step_text *part = parts; part->data; part++) {
    memcpy(end, part->data, part->len);
    end += part->len;
  }
  return (step_text){data, len};
}
