/* Every call of the step contract, through the kit for C: as tests/kits/rust/lib.rs. */
#include "kit/step.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const step_description step_description_of = {
    .name = STEP_TEXT("front-door"),
    .version = STEP_TEXT("0.1.0"),
    .summary = STEP_TEXT("Makes every call"),
    .settings_schema = STEP_TEXT("{\"type\":\"object\",\"additionalProperties\":false}"),
};

static char answers[16384];
static size_t used;

#define PUT(...) used += (size_t)snprintf(answers + used, sizeof answers - used, __VA_ARGS__)
#define SHOW(text) (int)(text).len, (text).data
#define T(literal) STEP_TEXT(literal)

/* Starts the answer; false when it is a failure, which is then the whole of it. */
static bool good(const char *call, const step_failure *failure) {
  PUT("%s: ", call);
  if (!failure) return true;
  PUT("failure %d %.*s\n", failure->code, SHOW(failure->message));
  return false;
}

static void done(const char *call, const step_failure *failure) {
  if (good(call, failure)) PUT("done\n");
}

static step_text got;
static void text(const char *call, const step_failure *failure) {
  if (good(call, failure)) PUT("%.*s\n", SHOW(got));
}

static void data(const char *call, const step_failure *failure) {
  if (!good(call, failure)) return;
  for (size_t index = 0; index < got.len; index++) PUT("%02x", (unsigned char)got.data[index]);
  PUT("\n");
}

static void show_texts(step_texts texts) {
  for (size_t index = 0; index < texts.count; index++)
    PUT("%s%.*s", index ? " " : "", SHOW(texts.items[index]));
  PUT("\n");
}

static step_metadata is;
static void stat(const char *call, const step_failure *failure) {
  if (!good(call, failure)) return;
  PUT("%d %o %u:%u %" PRIu64 " %" PRIu64 " %" PRId64 ".%u", is.kind, (unsigned)is.mode, (unsigned)is.uid,
      (unsigned)is.gid, is.size, is.links, is.modified_seconds, (unsigned)is.modified_nanoseconds);
  if (is.is_device) PUT(" %u:%u", (unsigned)is.major, (unsigned)is.minor);
  PUT("\n");
}

static step_entries found;
static void list(const char *call, const step_failure *failure) {
  if (!good(call, failure)) return;
  for (size_t index = 0; index < found.count; index++) {
    const step_entry *entry = &found.items[index];
    PUT("%s%.*s/%d/%d", index ? " " : "", SHOW(entry->name), entry->kind, entry->addressable);
  }
  PUT("\n");
}

static step_tree_report did;
static void tree(const char *call, const step_failure *failure) {
  if (good(call, failure))
    PUT("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", did.files, did.directories, did.symlinks, did.bytes);
}

const step_failure *step_run(step_text settings) {
  (void)settings;
  step_text name = step_name(), architecture = step_architecture();
  PUT("context: %.*s %.*s %" PRIu64 "\n", SHOW(name), SHOW(architecture), step_source_date_epoch());
  const step_field fields[] = {{T("one"), T("1")}, {T("two"), T("")}};
  step_log(STEP_WARN, T("two fields"), fields, 2);
  step_log(STEP_DEBUG, T(""), NULL, 0);

  const step_write_options plain = {0};
  done("make-directory", step_make_directory(T("/k"), 0750, false));
  done("make-directory", step_make_directory(T("/k"), 0750, false));
  const step_write_options owned = {.has_mode = true, .mode = 0640, .has_owner = true, .uid = 5, .gid = 6};
  done("write", step_write(T("/k/a"), T("one\n"), owned));
  done("write", step_write(T("/k/a"), T("two\n"), (step_write_options){.existing = STEP_APPEND}));
  done("write", step_write(T("/k/a"), T(""), (step_write_options){.existing = STEP_KEEP}));
  data("read", step_read(T("/k/a"), &got));
  data("read", step_read(T("/none"), &got));
  stat("stat", step_stat(T("/k/a"), &is));
  done("make-symlink", step_make_symlink(T("a"), T("/k/l")));
  stat("lstat", step_lstat(T("/k/l"), &is));
  text("read-link", step_read_link(T("/k/l"), &got));
  text("resolve", step_resolve(T("/k/../k/l"), &got));
  done("write", step_write(T("/k/n/m/f"), T(""), (step_write_options){.replace_symlink = true, .parents = true}));
  done("make-hard-link", step_make_hard_link(T("/k/a"), T("/k/h")));
  list("list-directory", step_list_directory(T("/k"), &found));
  list("list-directory", step_list_directory(T("/names"), &found));
  list("list-directory", step_list_directory(T("/k/a"), &found));
  done("set-mode", step_set_mode(T("/k/a"), 04711));
  done("set-owner", step_set_owner(T("/k/l"), 9, 8, false));
  done("set-modified", step_set_modified(T("/k/a"), -2, 5, true));
  stat("stat", step_stat(T("/k/h"), &is));
  stat("lstat", step_lstat(T("/k/l"), &is));

  done("set-xattr", step_set_xattr(T("/k/a"), T("user.k"), T("value")));
  done("set-xattr", step_set_xattr(T("/k/a"), T("user.empty"), T("")));
  step_texts names;
  if (good("list-xattrs", step_list_xattrs(T("/k/a"), &names))) show_texts(names);
  data("get-xattr", step_get_xattr(T("/k/a"), T("user.k"), &got));
  done("remove-xattr", step_remove_xattr(T("/k/a"), T("user.k")));
  data("get-xattr", step_get_xattr(T("/k/a"), T("user.k"), &got));

  done("rename", step_rename(T("/k/h"), T("/k/r")));
  done("remove-file", step_remove_file(T("/k/r")));
  done("remove-directory", step_remove_directory(T("/k/n")));
  const step_tree_options options = {.has_owner = true, .uid = 7, .gid = 8, .has_file_mode = true, .file_mode = 0600,
                                     .has_directory_mode = true, .directory_mode = 0700, .overwrite = true};
  tree("copy-tree", step_copy_tree(T("/k"), T("/c"), options, &did));
  tree("copy-tree", step_copy_tree(T("/k"), T("/c"), (step_tree_options){0}, &did));
  tree("remove-tree", step_remove_tree(T("/k/n"), &did));
  stat("stat", step_stat(T("/c/a"), &is));
  stat("stat", step_stat(T("/c/n"), &is));

  step_file file;
  const step_failure *failure = step_open(T("/k/a"), &file);
  if (failure) return failure;
  stat("file.metadata", step_file_metadata(file, &is));
  data("file.read-at", step_file_read_at(file, 2, 3, &got));
  done("file.write-at", step_file_write_at(file, 1, T("X")));
  done("file.set-size", step_file_set_size(file, 5));
  step_file_close(file);
  data("read", step_read(T("/k/a"), &got));
  done("open", step_open(T("/none"), &file));
  failure = step_create(T("/k/new"), (step_write_options){.has_mode = true, .mode = 0444}, &file);
  if (failure) return failure;
  done("file.write-at", step_file_write_at(file, 3, T("end")));
  step_file_close(file);
  data("read", step_read(T("/k/new"), &got));
  done("make-node", step_make_node(T("/k/pipe"), STEP_FIFO, 0600, NULL));
  done("make-node", step_make_node(T("/k/zero"), STEP_CHAR_DEVICE, 0666, &(step_device){1, 5}));
  stat("stat", step_stat(T("/k/zero"), &is));

  good("names", NULL);
  show_texts(step_artifact_names());
  stat("artifact stat", step_artifact_stat(T("tree"), T("sub/file"), &is));
  list("artifact list", step_artifact_list(T("tree"), T(""), &found));
  data("artifact read", step_artifact_read_at(T("tree"), T("sub/file"), 1, 3, &got));
  data("artifact read", step_artifact_read_at(T("none"), T(""), 0, 1, &got));
  tree("install", step_install(T("tree"), T(""), T("/i"), options, &did));
  stat("stat", step_stat(T("/i/sub/file"), &is));
  return step_write(T("/answers"), (step_text){answers, used}, plain);
}
