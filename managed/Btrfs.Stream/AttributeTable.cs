namespace Btrfs.Stream;

/// <summary>What the payload of an attribute is.</summary>
public enum AttributeKind
{
    /// <summary>One byte.</summary>
    U8,

    /// <summary>Four bytes.</summary>
    U32,

    /// <summary>Eight bytes.</summary>
    U64,

    /// <summary>Sixteen bytes in the order they are printed.</summary>
    Uuid,

    /// <summary>Twelve bytes: seconds, nanoseconds.</summary>
    Time,

    /// <summary>Bytes of a name in no particular encoding; none of them NUL.</summary>
    Text,

    /// <summary>Any bytes.</summary>
    Bytes,
}

/// <summary>The attributes of the format: their names and payloads.</summary>
public static class AttributeTable
{
    /// <summary>One past the largest attribute number.</summary>
    public const int Count = (int)AttributeType.VeritySigData + 1;

    /// <summary>Marks a kind whose payload has no one size.</summary>
    internal const int AnySize = -1;

    private static readonly AttributeKind[] s_kinds = BuildKinds();
    private static readonly int[] s_fixedBytes = [.. s_kinds.Select(FixedBytesOf)];
    private static readonly string[] s_names = BuildNames();

    /// <summary>Whether the format has an attribute of this number.</summary>
    public static bool IsKnown(AttributeType type) => type != AttributeType.Unspec && (int)type < Count;

    /// <summary>What the payload of an attribute is.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The attribute is unknown.</exception>
    public static AttributeKind KindOf(AttributeType type)
    {
        if (!IsKnown(type))
            throw new ArgumentOutOfRangeException(nameof(type), type, "no such attribute");

        return s_kinds[(int)type];
    }

    /// <summary>The attribute's name as the format documentation spells it, in lower case.</summary>
    public static string NameOf(AttributeType type) => IsKnown(type) ? s_names[(int)type] : $"attribute {(int)type}";

    /// <summary>The size in bytes that the payload of a known attribute must have; <see cref="AnySize"/> where any is fine.</summary>
    internal static int FixedBytes(AttributeType type) => s_fixedBytes[(int)type];

    private static int FixedBytesOf(AttributeKind kind) => kind switch
    {
        AttributeKind.U8 => sizeof(byte),
        AttributeKind.U32 => sizeof(uint),
        AttributeKind.U64 => sizeof(ulong),
        AttributeKind.Uuid => StreamFormat.UuidBytes,
        AttributeKind.Time => StreamFormat.TimeBytes,
        _ => AnySize,
    };

    private static AttributeKind[] BuildKinds()
    {
        AttributeKind[] kinds = new AttributeKind[Count];
        Array.Fill(kinds, AttributeKind.U64);
        Set(AttributeKind.Uuid, AttributeType.Uuid, AttributeType.CloneUuid);
        Set(AttributeKind.Time, AttributeType.Ctime, AttributeType.Mtime, AttributeType.Atime, AttributeType.Otime);
        Set(AttributeKind.Text, AttributeType.XattrName, AttributeType.Path, AttributeType.PathTo, AttributeType.PathLink, AttributeType.ClonePath);
        Set(AttributeKind.Bytes, AttributeType.XattrData, AttributeType.Data, AttributeType.VeritySaltData, AttributeType.VeritySigData);
        Set(AttributeKind.U32, AttributeType.FallocateMode, AttributeType.Compression, AttributeType.Encryption, AttributeType.VerityBlockSize);
        Set(AttributeKind.U8, AttributeType.VerityAlgorithm);
        return kinds;

        void Set(AttributeKind kind, params ReadOnlySpan<AttributeType> types)
        {
            foreach (AttributeType type in types)
                kinds[(int)type] = kind;
        }
    }

    private static string[] BuildNames()
    {
        string[] names = new string[Count];
        foreach (AttributeType type in Enum.GetValues<AttributeType>())
            names[(int)type] = FieldName.FromPascalCase(type.ToString());

        return names;
    }
}
