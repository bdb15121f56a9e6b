using System.Reflection;
using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Tests.Format.Building;

/// <summary>A key and its data, to be changed by the names of the records' members. Each change makes a new item.</summary>
internal sealed record TestItem(Key Key, byte[] Data)
{
    public TestItem With(Func<Key, Key> change) => this with { Key = change(Key) };

    public TestItem With(byte[] data) => this with { Data = data };

    /// <summary>Sets a member of the record of type <typeparamref name="TRecord"/> that stands <paramref name="at"/> bytes into the data.</summary>
    public TestItem Set<TRecord>(string member, ulong value, int at = 0) => this with { Data = Records.Set<TRecord>(Data, member, value, at) };

    public TestItem Cut(int bytes) => this with { Data = Data[..^bytes] };

    public TestItem Grow(int bytes) => this with { Data = [.. Data, .. new byte[bytes]] };
}

internal static class Records
{
    /// <summary>A copy of <paramref name="data"/> with one member of a packed record changed.</summary>
    public static byte[] Set<TRecord>(byte[] data, string member, ulong value, int at = 0)
    {
        byte[] copy = [.. data];
        FieldInfo field = typeof(TRecord).GetField(member, BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
            ?? throw new ArgumentException($"{typeof(TRecord)} has no member {member}", nameof(member));
        Type type = field.FieldType.IsEnum ? field.FieldType.GetEnumUnderlyingType() : field.FieldType;
        int size = Marshal.SizeOf(type);
        int offset = at + (int)Marshal.OffsetOf<TRecord>(member);
        BitConverter.GetBytes(value).AsSpan(0, size).CopyTo(copy.AsSpan(offset, size));
        return copy;
    }

    /// <summary>Numbers, keys and byte strings one behind the other, little-endian and without padding.</summary>
    public static byte[] Bytes(params object[] values) => [.. values.SelectMany(Bytes)];

    private static byte[] Bytes(object value) => value switch
    {
        byte number => [number],
        ItemType type => [(byte)type],
        ushort number => BitConverter.GetBytes(number),
        uint number => BitConverter.GetBytes(number),
        ulong number => BitConverter.GetBytes(number),
        Key key => Bytes(key.ObjectId, key.Type, key.Offset),
        string text => System.Text.Encoding.UTF8.GetBytes(text),
        byte[] bytes => bytes,
        _ => throw new ArgumentException($"no bytes for {value.GetType()}", nameof(value)),
    };
}
