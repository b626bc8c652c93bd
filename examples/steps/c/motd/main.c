/* The step `motd`: puts a greeting into /etc/motd. */
#include "kit/step.h"

const step_description step_description_of = {
    .name = STEP_TEXT("motd"),
    .version = STEP_TEXT("0.1.0"),
    .summary = STEP_TEXT("Puts a greeting into /etc/motd"),
    .settings_schema = STEP_TEXT("{"
                                 "  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\","
                                 "  \"type\": \"object\","
                                 "  \"additionalProperties\": false,"
                                 "  \"required\": [\"text\"],"
                                 "  \"properties\": {"
                                 "    \"text\": {"
                                 "      \"description\": \"The greeting; the file ends with a line end.\","
                                 "      \"type\": \"string\","
                                 "      \"maxLength\": 4096"
                                 "    }"
                                 "  }"
                                 "}"),
};

static const step_text PATH = STEP_TEXT("/etc/motd");

const step_failure *step_run(step_text settings) {
  step_text text = step_json_text(step_json_field(settings, "text"));
  while (text.len && text.data[text.len - 1] == '\n') text.len--;
  text = STEP_JOIN(text, STEP_TEXT("\n"));

  step_text present;
  const step_failure *failure = step_read(PATH, &present);
  if (failure && failure->code != STEP_NOT_FOUND) return failure;
  /* A second run changes nothing. */
  if (!failure && step_text_is(present, text)) return NULL;

  failure = step_write(PATH, text, (step_write_options){.parents = true});
  if (failure) return failure;
  step_log(STEP_INFO, STEP_TEXT("wrote the greeting"), &(step_field){STEP_TEXT("path"), PATH}, 1);
  return NULL;
}
