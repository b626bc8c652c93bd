/* The kit for steps in C: the functions of the step contract, as `wit/` describes them.
 *
 * Paths are resolved inside the image, as after chroot. A function that can fail returns NULL or a failure; its last
 * parameters hold results. Nothing has to be freed: a run is short, and its memory goes with it.
 *
 * A step defines `step_description` and `step_run`, and is built together with step.c. */
#ifndef STEP_H
#define STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text in UTF-8, or the bytes of a file. Not ended by a zero. */
typedef struct {
  const char *data;
  size_t len;
} step_text;

/* The text of a string literal. */
#define STEP_TEXT(literal) ((step_text){(literal), sizeof(literal) - 1})

typedef enum {
  STEP_NOT_FOUND,
  STEP_ALREADY_EXISTS,
  STEP_NOT_A_DIRECTORY,
  STEP_IS_A_DIRECTORY,
  STEP_DIRECTORY_NOT_EMPTY,
  STEP_SYMLINK_LOOP,
  STEP_INVALID_PATH,
  STEP_SPECIAL_FILE,
  STEP_FOREIGN_MOUNT,
  STEP_NO_SPACE,
  STEP_READ_ONLY,
  STEP_TOO_LARGE,
  STEP_DENIED,
  STEP_INVALID_ARGUMENT,
  STEP_UNSUPPORTED,
  STEP_TIMED_OUT,
  STEP_OTHER
} step_code;

/* What a call, or the step, may end with. The message is for a person and ends up in the build log: no secrets. */
typedef struct {
  step_code code;
  step_text message;
} step_failure;

/* What `imagecustomizer step inspect` shows. */
typedef struct {
  step_text name;
  step_text version;
  step_text summary;
  /* JSON Schema, draft 2020-12. */
  step_text settings_schema;
} step_description;

/* Both are the step's own. `settings` is JSON that the host has checked against the schema. */
extern const step_description step_description_of;
const step_failure *step_run(step_text settings);

/* Help with text. */

bool step_text_is(step_text one, step_text other);
/* The texts behind each other; a text without data ends the list. */
step_text step_join(const step_text *parts);
#define STEP_JOIN(...) step_join((const step_text[]){__VA_ARGS__, {NULL, 0}})
const step_failure *step_fail(step_code code, step_text message);

/* Help with settings. A `json` is the text of one value. */

/* The field of that name; without data when there is none. */
step_text step_json_field(step_text json, const char *name);
/* The element of that index; without data behind the last. */
step_text step_json_item(step_text json, size_t index);
/* What a JSON string says; without data when `json` is no string. */
step_text step_json_text(step_text json);

/* Interface context. */

step_text step_name(void);
step_text step_architecture(void);
uint64_t step_source_date_epoch(void);

/* Interface log. */

typedef enum { STEP_TRACE, STEP_DEBUG, STEP_INFO, STEP_WARN, STEP_ERROR } step_level;
typedef struct {
  step_text key;
  step_text value;
} step_field;
void step_log(step_level level, step_text message, const step_field *fields, size_t count);

/* Interface rootfs. */

typedef enum {
  STEP_REGULAR,
  STEP_DIRECTORY,
  STEP_SYMLINK,
  STEP_CHAR_DEVICE,
  STEP_BLOCK_DEVICE,
  STEP_FIFO,
  STEP_SOCKET
} step_kind;

typedef struct {
  step_kind kind;
  uint32_t mode, uid, gid;
  uint64_t size, links;
  int64_t modified_seconds;
  uint32_t modified_nanoseconds;
  bool is_device;
  uint32_t major, minor;
} step_metadata;

typedef struct {
  step_text name;
  step_kind kind;
  /* False when the name is not UTF-8 and therefore only an approximation. */
  bool addressable;
} step_entry;

typedef struct {
  const step_entry *items;
  size_t count;
} step_entries;

typedef struct {
  const step_text *items;
  size_t count;
} step_texts;

typedef enum { STEP_REPLACE, STEP_KEEP, STEP_APPEND } step_existing;

/* `{0}` replaces the content of a file, follows a link, and leaves mode and owner as they are (0644 and 0:0 for a new
 * file). */
typedef struct {
  step_existing existing;
  bool has_mode, has_owner;
  uint32_t mode, uid, gid;
  bool replace_symlink;
  /* Make missing parent directories. */
  bool parents;
} step_write_options;

/* `{0}` copies mode and owner, and does not touch files that are there. */
typedef struct {
  bool has_owner, has_file_mode, has_directory_mode;
  uint32_t uid, gid, file_mode, directory_mode;
  bool overwrite;
} step_tree_options;

typedef struct {
  uint64_t files, directories, symlinks, bytes;
} step_tree_report;

const step_failure *step_resolve(step_text path, step_text *resolved);
const step_failure *step_stat(step_text path, step_metadata *metadata);
const step_failure *step_lstat(step_text path, step_metadata *metadata);
const step_failure *step_read_link(step_text path, step_text *target);
const step_failure *step_list_directory(step_text path, step_entries *entries);
const step_failure *step_read(step_text path, step_text *content);
const step_failure *step_write(step_text path, step_text data, step_write_options options);
const step_failure *step_make_directory(step_text path, uint32_t mode, bool parents);
const step_failure *step_make_symlink(step_text target, step_text path);
const step_failure *step_make_hard_link(step_text existing, step_text path);
const step_failure *step_rename(step_text old_path, step_text new_path);
const step_failure *step_remove_file(step_text path);
const step_failure *step_remove_directory(step_text path);
const step_failure *step_remove_tree(step_text path, step_tree_report *report);
const step_failure *step_copy_tree(step_text source, step_text destination, step_tree_options options,
                                   step_tree_report *report);
/* A device node takes a number; a pipe takes NULL. Needs `grant.nodes` in the image definition. */
typedef struct {
  uint32_t major, minor;
} step_device;
const step_failure *step_make_node(step_text path, step_kind kind, uint32_t mode, const step_device *device);
const step_failure *step_set_mode(step_text path, uint32_t mode);
const step_failure *step_set_owner(step_text path, uint32_t uid, uint32_t gid, bool follow);
const step_failure *step_set_modified(step_text path, int64_t seconds, uint32_t nanoseconds, bool follow);
const step_failure *step_list_xattrs(step_text path, step_texts *names);
const step_failure *step_get_xattr(step_text path, step_text name, step_text *value);
const step_failure *step_set_xattr(step_text path, step_text name, step_text value);
const step_failure *step_remove_xattr(step_text path, step_text name);

/* A file held open, for one that is too large for step_read. */
typedef struct {
  int32_t handle;
} step_file;
const step_failure *step_open(step_text path, step_file *file);
/* Makes the file if it is missing, as the options say. */
const step_failure *step_create(step_text path, step_write_options options, step_file *file);
const step_failure *step_file_metadata(step_file file, step_metadata *metadata);
/* At most `max` bytes; empty at the end. */
const step_failure *step_file_read_at(step_file file, uint64_t offset, uint32_t max, step_text *content);
const step_failure *step_file_write_at(step_file file, uint64_t offset, step_text data);
const step_failure *step_file_set_size(step_file file, uint64_t size);
void step_file_close(step_file file);

/* Interface artifacts. `path` is empty for the artifact itself. */

step_texts step_artifact_names(void);
const step_failure *step_artifact_stat(step_text name, step_text path, step_metadata *metadata);
const step_failure *step_artifact_list(step_text name, step_text path, step_entries *entries);
/* At most `max` bytes; empty at the end. */
const step_failure *step_artifact_read_at(step_text name, step_text path, uint64_t offset, uint32_t max,
                                          step_text *content);
const step_failure *step_install(step_text name, step_text path, step_text destination, step_tree_options options,
                                 step_tree_report *report);

#endif
