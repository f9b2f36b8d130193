package main

import (
	"errors"
	"strings"

	"github.com/spf13/viper"
)

// Config is the part of the api's configuration that leads to other services.
type Config struct {
	API struct {
		Port string
	}
	Database struct {
		Enabled       bool
		URL           string
		RunMigrations bool
	}
	Redis struct {
		Enabled          bool
		Host, Port, Auth string
	}
	Storage struct {
		Enabled                                bool
		Endpoint, Bucket, AccessKey, SecretKey string
	}
	Intelligence struct {
		Scraper, Unstructured struct{ Endpoint string }
	}
}

// The settings that the environment may set although no file names them.
var bound = []string{"api.host", "api.port", "database.url", "database.runMigrations", "logging.level", "auth.enabled"}

// configuration reads the file and the environment as the api does: `arches`, `config` or `.archesai` in the working
// directory, /etc/archesai or the user's directory, then ARCHES_ variables for what the file names.
func configuration() (Config, error) {
	var config Config
	for _, name := range []string{"arches", "config", ".archesai"} {
		reader := viper.New()
		reader.SetConfigName(name)
		reader.SetConfigType("yaml")
		for _, directory := range []string{".", "/etc/archesai", "$HOME/.config/archesai"} {
			reader.AddConfigPath(directory)
		}
		reader.SetEnvPrefix("ARCHES")
		reader.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
		reader.AutomaticEnv()
		reader.SetDefault("api.port", "3001")
		for _, key := range bound {
			if err := reader.BindEnv(key); err != nil {
				return config, err
			}
		}
		err := reader.ReadInConfig()
		if errors.As(err, &viper.ConfigFileNotFoundError{}) && name != ".archesai" {
			continue
		}
		if err != nil && !errors.As(err, &viper.ConfigFileNotFoundError{}) {
			return config, err
		}
		return config, reader.Unmarshal(&config)
	}
	return config, nil
}
