package main

import (
	"fmt"

	"github.com/alecthomas/kong"

	"syncd/internal/config"
)

// The flags of each group of settings, and the groups that many commands share. A flag is named like its setting, with dashes.
// describeFlags adds the help texts from the table of settings.
type (
	databaseFlags struct {
		DatabaseURL, DatabaseURLFile *string
		Schema                       *string
	}
	polarFlags struct {
		PolarAccessTokenFile    *string
		PolarServer             *string
		PolarVersion            *string
		PolarOrganizationID     *string
		PolarOrganizationHeader *string
		RequestsPerMinute       *string
		Patience                *string
		Parallel                *string
		Lease                   *string
	}
	streamFlags struct {
		Streams          *string
		EventsRetention  *string
		HistoryRetention *string
	}
	scheduleFlags struct {
		Schedule   *string
		Tail       *string
		Feed       *string
		FreshShare *string
		Audit      *string
		Timezone   *string
		Jitter     *string
	}
	serveFlags struct {
		Listen *string
	}
	webhookFlags struct {
		WebhookListen     *string
		WebhookSecretFile *string
	}
	logFlags struct {
		LogLevel  *string
		LogFormat *string
		Config    *string

		Organization, OrganizationsDir *string
	}

	// outputFlags say how a command tells what it did.
	outputFlags struct {
		JSON  bool  `name:"json" help:"As JSON."`
		Quiet quiet `short:"q" help:"Say nothing but errors; the exit code tells the rest."`
	}

	// mirrorFlags are the flags of a command that reads from Polar into Postgres.
	mirrorFlags struct {
		databaseFlags
		polarFlags
		streamFlags
	}
	// daemonFlags are the flags of the daemon.
	daemonFlags struct {
		mirrorFlags
		scheduleFlags
		serveFlags
		webhookFlags
	}
)

// describeFlags adds group, placeholder and help to the flags of settings.
func describeFlags(settings []config.Description) kong.Option {
	byFlag := map[string]config.Description{}
	for _, d := range settings {
		byFlag[d.Flag] = d
	}
	return kong.PostBuild(func(k *kong.Kong) error {
		return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
			flag, is := node.(*kong.Flag)
			if !is || flag.Name == "help" || flag.Help != "" { // one of the command's own flags
				return next(nil)
			}
			d, is := byFlag[flag.Name]
			if !is {
				return fmt.Errorf("--%s is no setting", flag.Name)
			}
			if d.Group != "" {
				flag.Group = &kong.Group{Key: d.Group, Title: d.Group}
			}
			flag.PlaceHolder, flag.Help = d.Hint, d.FlagHelp()
			return next(nil)
		})
	})
}

// settingsOf returns the settings on the command line, by key.
func settingsOf(parsed *kong.Context, settings []config.Description) map[string]string {
	given := map[string]string{}
	for _, flag := range parsed.Flags() {
		for _, d := range settings {
			if text, is := parsed.FlagValue(flag).(*string); is && text != nil && d.Flag == flag.Name {
				given[config.KeyOfFlag(flag.Name)] = *text
			}
		}
	}
	return given
}
