package limit

// OutageProbe and PriorityOf are for the tests that drive the limiter through a whole client.
const OutageProbe = outageProbe

var PriorityOf = priorityOf
