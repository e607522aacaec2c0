package polarsim

import "time"

// Time is a moment in microseconds since 1970, UTC; 0 is null. Polar's timestamps have that resolution.
type Time int64

const (
	microsecond Time = 1
	second           = 1_000_000 * microsecond
	minute           = 60 * second
	hour             = 60 * minute
	day              = 24 * hour
)

// At converts from a time.Time, cutting below a microsecond; the zero time is null.
func At(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMicro())
}

// GoTime converts to a time.Time in UTC; null gives the zero time.
func (t Time) GoTime() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(t)).UTC()
}

// floor rounds down to a multiple of unit, counted from 1970.
func (t Time) floor(unit Time) Time { return t - t%unit }

// append writes t as Polar does: RFC 3339 with Z, six fractional digits, and none when the microseconds are zero; null as null.
func (t Time) append(b []byte) []byte {
	if t == 0 {
		return append(b, "null"...)
	}
	b = append(b, '"')
	b = t.appendText(b)
	return append(b, '"')
}

func (t Time) appendText(b []byte) []byte {
	days := int64(t / day)
	rest := int64(t % day)
	if rest < 0 {
		days, rest = days-1, rest+int64(day)
	}
	y, m, d := civil(days)
	b = digits(b, y, 4)
	b = digits(append(b, '-'), m, 2)
	b = digits(append(b, '-'), d, 2)
	micros := int(rest % int64(second))
	s := int(rest / int64(second))
	b = digits(append(b, 'T'), s/3600, 2)
	b = digits(append(b, ':'), s/60%60, 2)
	b = digits(append(b, ':'), s%60, 2)
	if micros != 0 {
		b = digits(append(b, '.'), micros, 6)
	}
	return append(b, 'Z')
}

func (t Time) String() string { return string(t.appendText(nil)) }

func digits(b []byte, v, width int) []byte {
	var buf [8]byte
	for i := width - 1; i >= 0; i-- {
		buf[i] = byte('0' + v%10)
		v /= 10
	}
	return append(b, buf[:width]...)
}

// civil turns days since 1970-01-01 into a date of the proleptic Gregorian calendar (after Howard Hinnant, "chrono-Compatible Low-Level Date
// Algorithms").
func civil(z int64) (y, m, d int) {
	z += 719468
	era := z / 146097
	if z < 0 {
		era = (z - 146096) / 146097
	}
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = int(doy - (153*mp+2)/5 + 1)
	m = int(mp + 3)
	if mp >= 10 {
		m = int(mp - 9)
	}
	y = int(yoe + era*400)
	if m <= 2 {
		y++
	}
	return y, m, d
}

// after gives the moment n intervals later. Months and years keep the day of the month, cut to the last day of a shorter one, as
// python-dateutil's relativedelta does, which Polar uses for billing periods.
func (t Time) after(interval string, n int) Time {
	switch interval {
	case "day":
		return t + Time(n)*day
	case "week":
		return t + Time(n)*7*day
	case "year":
		return t.addMonths(12 * n)
	default:
		return t.addMonths(n)
	}
}

func (t Time) addMonths(n int) Time {
	days, rest := int64(t/day), t%day
	y, m, d := civil(days)
	total := y*12 + m - 1 + n
	y, m = total/12, total%12+1
	last := time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return Time(time.Date(y, time.Month(m), min(d, last), 0, 0, 0, 0, time.UTC).UnixMicro()) + rest
}
