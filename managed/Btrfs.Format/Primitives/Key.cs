using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>The order of every tree: object id, then type, then offset.</summary>
public readonly record struct Key(ulong ObjectId, ItemType Type, ulong Offset) : IComparable<Key>
{
    public static Key Min => default;

    public static Key Max => new(ulong.MaxValue, (ItemType)byte.MaxValue, ulong.MaxValue);

    public int CompareTo(Key other)
    {
        if (ObjectId != other.ObjectId)
            return ObjectId < other.ObjectId ? -1 : 1;
        if (Type != other.Type)
            return Type < other.Type ? -1 : 1;
        if (Offset != other.Offset)
            return Offset < other.Offset ? -1 : 1;
        return 0;
    }

    /// <summary>The smallest key above this one. <see cref="Max"/> has none and stays as it is.</summary>
    public Key Next()
    {
        if (Offset != ulong.MaxValue)
            return this with { Offset = Offset + 1 };
        if ((byte)Type != byte.MaxValue)
            return new Key(ObjectId, Type + 1, 0);
        return ObjectId != ulong.MaxValue ? new Key(ObjectId + 1, 0, 0) : this;
    }

    public static bool operator <(Key left, Key right) => left.CompareTo(right) < 0;

    public static bool operator >(Key left, Key right) => left.CompareTo(right) > 0;

    public static bool operator <=(Key left, Key right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Key left, Key right) => left.CompareTo(right) >= 0;

    public override string ToString() => $"({ObjectId} {(byte)Type} {Offset})";
}

/// <summary>A key as it lies on the disk: 17 bytes without padding.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct DiskKey(Key key)
{
    public readonly Le64 ObjectId = key.ObjectId;
    public readonly ItemType Type = key.Type;
    public readonly Le64 Offset = key.Offset;

    public const int Size = 17;

    public Key ToKey() => new(ObjectId, Type, Offset);

    public static implicit operator Key(DiskKey key) => key.ToKey();
}
