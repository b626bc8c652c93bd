/* Reading settings. The host hands over JSON that it has read and checked itself, so this looks only for what is asked
 * for; text that is no JSON leads to an empty answer, never outside of the text. */
#include "step.h"

#include <stdlib.h>
#include <string.h>

static const step_text NOTHING = {NULL, 0};

static const char *skip_blanks(const char *at, const char *end) {
  while (at < end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')) at++;
  return at;
}

/* Behind the string that starts at `at`. */
static const char *skip_string(const char *at, const char *end) {
  for (at++; at < end && *at != '"'; at++) {
    if (*at == '\\') at++;
  }
  return at < end ? at + 1 : end;
}

/* Behind the value that starts at `at`. */
static const char *skip_value(const char *at, const char *end) {
  size_t depth = 0;
  for (;;) {
    at = skip_blanks(at, end);
    if (at >= end) return end;
    if (*at == '"') {
      at = skip_string(at, end);
    } else if (*at == '{' || *at == '[') {
      depth++;
      at++;
      continue;
    } else if (*at == '}' || *at == ']') {
      if (depth) depth--;
      at++;
    } else if (*at == ',' || *at == ':') {
      at++;
      continue;
    } else {
      while (at < end && !strchr(",:]} \n\t\r", *at)) at++;
    }
    if (depth == 0) return at;
  }
}

static step_text between(const char *start, const char *end) { return (step_text){start, (size_t)(end - start)}; }

step_text step_json_field(step_text json, const char *name) {
  const char *end = json.data + json.len;
  const char *at = skip_blanks(json.data, end);
  if (at >= end || *at != '{') return NOTHING;
  step_text wanted = {name, strlen(name)};
  for (at = skip_blanks(at + 1, end); at < end && *at == '"'; at = skip_blanks(at, end)) {
    const char *key_end = skip_string(at, end);
    step_text key = step_json_text(between(at, key_end));
    at = skip_blanks(key_end, end);
    if (at >= end || *at != ':') return NOTHING;
    const char *value = skip_blanks(at + 1, end);
    at = skip_value(value, end);
    if (step_text_is(key, wanted)) return between(value, at);
    at = skip_blanks(at, end);
    if (at >= end || *at != ',') return NOTHING;
    at++;
  }
  return NOTHING;
}

step_text step_json_item(step_text json, size_t index) {
  const char *end = json.data + json.len;
  const char *at = skip_blanks(json.data, end);
  if (at >= end || *at != '[') return NOTHING;
  for (at = skip_blanks(at + 1, end); at < end && *at != ']'; at = skip_blanks(at + 1, end)) {
    const char *value = at;
    at = skip_value(value, end);
    if (index-- == 0) return between(value, at);
    at = skip_blanks(at, end);
    if (at >= end || *at != ',') return NOTHING;
  }
  return NOTHING;
}

/* The number that four hexadecimal digits say, or -1. */
static int32_t hexadecimal(const char *at, const char *end) {
  int32_t number = 0;
  if (end - at < 4) return -1;
  for (int index = 0; index < 4; index++) {
    char digit = at[index];
    int value = digit >= '0' && digit <= '9'   ? digit - '0'
                : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
                : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                               : -1;
    if (value < 0) return -1;
    number = number * 16 + value;
  }
  return number;
}

static char *put_utf8(char *out, uint32_t point) {
  if (point < 0x80) {
    *out++ = (char)point;
  } else if (point < 0x800) {
    *out++ = (char)(0xc0 | point >> 6);
    *out++ = (char)(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    *out++ = (char)(0xe0 | point >> 12);
    *out++ = (char)(0x80 | (point >> 6 & 0x3f));
    *out++ = (char)(0x80 | (point & 0x3f));
  } else {
    *out++ = (char)(0xf0 | point >> 18);
    *out++ = (char)(0x80 | (point >> 12 & 0x3f));
    *out++ = (char)(0x80 | (point >> 6 & 0x3f));
    *out++ = (char)(0x80 | (point & 0x3f));
  }
  return out;
}

step_text step_json_text(step_text json) {
  if (json.len < 2 || json.data[0] != '"' || json.data[json.len - 1] != '"') return NOTHING;
  const char *at = json.data + 1, *end = json.data + json.len - 1;
  /* No escape is shorter than what it stands for. */
  char *text = malloc(json.len), *out = text;
  if (!text) __builtin_trap();
  while (at < end) {
    if (*at != '\\') {
      *out++ = *at++;
      continue;
    }
    at++;
    if (at >= end) return NOTHING;
    char letter = *at++;
    if (letter != 'u') {
      static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
      const char *known = letter ? strchr(names, letter) : NULL;
      if (!known) return NOTHING;
      *out++ = values[known - names];
      continue;
    }
    int32_t point = hexadecimal(at, end);
    if (point < 0) return NOTHING;
    at += 4;
    if (point >= 0xd800 && point < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
      int32_t low = hexadecimal(at + 2, end);
      if (low >= 0xdc00 && low < 0xe000) {
        point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
      }
    }
    /* Half of a pair is no character: text that goes to the host has to be UTF-8. */
    out = put_utf8(out, point >= 0xd800 && point < 0xe000 ? 0xfffd : (uint32_t)point);
  }
  return between(text, out);
}
