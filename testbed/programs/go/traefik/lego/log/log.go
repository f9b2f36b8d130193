// Package log has the logger of the client.
package log

import "log/slog"

// SetDefault has no effect.
func SetDefault(*slog.Logger) {}
