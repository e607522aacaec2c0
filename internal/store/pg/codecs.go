package pg

import (
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"syncd/internal/store/wire"
)

// registerUUID passes uuid.UUID to and from Postgres as its sixteen bytes. By default pgx takes it for a database/sql value and
// uses its text form: fifty times slower, and every statement has ids.
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

// registerArrays passes a wire.Array unchanged: its elements already have the binary form.
func registerArrays(m *pgtype.Map) {
	for _, oid := range []uint32{
		pgtype.UUIDArrayOID, pgtype.TimestamptzArrayOID, pgtype.JSONBArrayOID, pgtype.ByteaArrayOID,
		pgtype.TextArrayOID, pgtype.Int8ArrayOID, pgtype.BoolArrayOID, pgtype.NumericArrayOID,
	} {
		t, _ := m.TypeForOID(oid) // the map is made with all of them
		m.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: arrayCodec{t.Codec}})
	}
}

type arrayCodec struct{ pgtype.Codec }

func (c arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(wire.Array); ok && format == pgtype.BinaryFormatCode {
		return encodeArray{}
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

type encodeArray struct{}

func (encodeArray) Encode(value any, b []byte) ([]byte, error) {
	return value.(wire.Array).Append(b), nil //nolint:forcetypeassert // the plan is for this type alone
}
