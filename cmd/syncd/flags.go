package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// settingFlags are the flags of some settings, made from the table of settings. kong takes structs, so one is made.
type settingFlags struct {
	kong.Plugins
	keys []string // of the fields, in order
}

func newSettingFlags(groups ...string) settingFlags {
	var fields []reflect.StructField
	var f settingFlags
	add := func(key, group, hint, help string) {
		f.keys = append(f.keys, key)
		fields = append(fields, reflect.StructField{
			Name: fmt.Sprintf("F%d", len(fields)),
			Type: reflect.TypeFor[*string](),
			Tag:  reflect.StructTag(fmt.Sprintf("name:%q group:%q placeholder:%q help:%q", flagName(key), group, hint, help)),
		})
	}
	for _, s := range new(Config).settings() {
		if !slices.Contains(groups, s.group) {
			continue
		}
		if !s.noFlag {
			help := s.doc
			if s.def != "" {
				help += fmt.Sprintf("; default %s", s.def)
			}
			add(s.key, s.group, s.hint, capital(help)+" ("+envName(s.key)+").")
		}
		if s.secret {
			add(s.key+fileOf, s.group, "PATH", "File that holds the value of "+envName(s.key)+" ("+envName(s.key+fileOf)+").")
		}
	}
	if slices.Contains(groups, groupLog) {
		add(configPath, "", "PATH", "Configuration file, YAML ("+envName(configPath)+").")
	}
	f.Plugins = kong.Plugins{reflect.New(reflect.StructOf(fields)).Interface()}
	return f
}

// given returns what was on the command line, by key.
func (f settingFlags) given(into map[string]string) {
	fields := reflect.ValueOf(f.Plugins[0]).Elem()
	for i, key := range f.keys {
		if text, ok := fields.Field(i).Interface().(*string); ok && text != nil {
			into[key] = *text
		}
	}
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// addSettings gives each command the flags of the settings that it uses.
func (root *cli) addSettings() {
	database := []string{groupDatabase}
	engine := append(database, groupPolar, groupStreams)
	daemon := append(engine, groupSchedule, groupServe)
	root.Sync.Settings = newSettingFlags(engine...)
	root.Run.Settings = newSettingFlags(daemon...)
	root.Status.Settings = newSettingFlags(groupDatabase, groupStreams, groupSchedule)
	root.Verify.Settings = newSettingFlags(groupDatabase, groupStreams)
	root.Approve.Settings = newSettingFlags(engine...)
	root.Tail.Settings = newSettingFlags(engine...)
	root.Audit.Settings = newSettingFlags(engine...)
	root.Refresh.Settings = newSettingFlags(engine...)
	root.Backfill.Settings = newSettingFlags(engine...)
	root.Plan.Settings = newSettingFlags(append(engine, groupSchedule)...)
	root.Invoice.Settings = newSettingFlags(engine...)
	root.Receipt.Settings = newSettingFlags(engine...)
	root.Migrate.Settings = newSettingFlags(database...)
	root.Config.Print.Settings = newSettingFlags(daemon...)
}

func (root *cli) allFlags() []settingFlags {
	return []settingFlags{root.Global, root.Sync.Settings, root.Run.Settings, root.Status.Settings, root.Verify.Settings, root.Approve.Settings, root.Tail.Settings, root.Audit.Settings, root.Refresh.Settings,
		root.Backfill.Settings, root.Plan.Settings, root.Invoice.Settings, root.Receipt.Settings, root.Migrate.Settings, root.Config.Print.Settings}
}
