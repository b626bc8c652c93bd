// The step motd: puts a greeting into /etc/motd.
package main

import (
	"errors"
	"strings"

	"step.local/motd/step"
)

const path = "/etc/motd"

type settings struct {
	Text string `json:"text"`
}

func init() {
	step.Export(step.Description{
		Name:    "motd",
		Version: "0.1.0",
		Summary: "Puts a greeting into /etc/motd",
		SettingsSchema: `{
			"$schema": "https://json-schema.org/draft/2020-12/schema",
			"type": "object",
			"additionalProperties": false,
			"required": ["text"],
			"properties": {
				"text": {
					"description": "The greeting; the file ends with a line end.",
					"type": "string",
					"maxLength": 4096
				}
			}
		}`,
	}, run)
}

func run(settings settings) error {
	text := strings.TrimRight(settings.Text, "\n") + "\n"
	present, err := step.Read(path)
	if err != nil && !errors.Is(err, step.NotFound) {
		return err
	}
	if err == nil && string(present) == text {
		return nil // a second run changes nothing
	}
	if err := step.Write(path, []byte(text), step.WriteOptions{Parents: true}); err != nil {
		return err
	}
	step.Log(step.Info, "wrote the greeting", "path", path)
	return nil
}

// A step is called through what it exports; main is never run.
func main() {}
