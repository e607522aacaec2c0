package store

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// registerUUID lets uuid.UUID pass to and from Postgres as its sixteen bytes.
// Left to itself pgx takes it for a database/sql value, writes it as text and
// reads the text: fifty times slower, and every statement carries ids.
func registerUUID(m *pgtype.Map) {
	t := &pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: uuidCodec{}}
	m.RegisterType(t)
	m.RegisterType(&pgtype.Type{Name: "_uuid", OID: pgtype.UUIDArrayOID, Codec: &pgtype.ArrayCodec{ElementType: t}})
}

type uuidCodec struct{ pgtype.UUIDCodec }

func (c uuidCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return encodeUUID{}
	}
	return c.UUIDCodec.PlanEncode(m, oid, format, value)
}

func (c uuidCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return scanUUID{}
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

type encodeUUID struct{}

func (encodeUUID) Encode(value any, b []byte) ([]byte, error) {
	id := value.(uuid.UUID) //nolint:forcetypeassert // the plan is for this type alone
	return append(b, id[:]...), nil
}

type scanUUID struct{}

func (scanUUID) Scan(b []byte, target any) error {
	return target.(*uuid.UUID).UnmarshalBinary(b) //nolint:forcetypeassert // the plan is for this type alone
}
