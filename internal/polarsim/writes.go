package polarsim

func writeRoutes() []route { return nil }
