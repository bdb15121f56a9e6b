using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Fuzz.Images;

/// <summary>Where in a record a number lies: bytes from the record's begin, and 1, 2, 4 or 8 bytes long.</summary>
internal readonly record struct Member(string Name, int Offset, int Size);

/// <summary>The numbers in the packed records of the format, found by reflection.</summary>
internal static class Members
{
    private static readonly Dictionary<Type, Member[]> s_cache = [];
    private static readonly Lock s_lock = new();

    private static readonly Dictionary<ItemType, Type> s_records = new()
    {
        [ItemType.InodeItem] = typeof(InodeItem),
        [ItemType.InodeRef] = typeof(InodeRef),
        [ItemType.InodeExtref] = typeof(InodeExtref),
        [ItemType.XattrItem] = typeof(DirItem),
        [ItemType.DirItem] = typeof(DirItem),
        [ItemType.DirIndex] = typeof(DirItem),
        [ItemType.ExtentData] = typeof(FileExtentItem),
        [ItemType.RootItem] = typeof(RootItem),
        [ItemType.RootRef] = typeof(RootRef),
        [ItemType.RootBackref] = typeof(RootRef),
        [ItemType.ExtentItem] = typeof(ExtentItem),
        [ItemType.MetadataItem] = typeof(ExtentItem),
        [ItemType.ExtentDataRef] = typeof(ExtentDataRef),
        [ItemType.SharedDataRef] = typeof(SharedDataRef),
        [ItemType.BlockGroupItem] = typeof(BlockGroupItem),
        [ItemType.ChunkItem] = typeof(ChunkItem),
        [ItemType.DevItem] = typeof(DevItem),
        [ItemType.DevExtent] = typeof(DevExtent),
    };

    /// <summary>The record at the head of an item; null where an item has none.</summary>
    public static Type? RecordOf(ItemType type) => s_records.GetValueOrDefault(type);

    public static Member Of<TRecord>(string name) => All(typeof(TRecord)).Single(member => member.Name == name);

    public static Member[] All(Type record)
    {
        lock (s_lock)
        {
            if (!s_cache.TryGetValue(record, out Member[]? members))
                s_cache[record] = members = [.. Flatten(record, 0)];
            return members;
        }
    }

    public static ulong Read(ReadOnlySpan<byte> record, Member member)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        bytes.Clear();
        record.Slice(member.Offset, member.Size).CopyTo(bytes);
        return BitConverter.ToUInt64(bytes);
    }

    public static void Write(Span<byte> record, Member member, ulong value) =>
        BitConverter.GetBytes(value).AsSpan(0, member.Size).CopyTo(record[member.Offset..]);

    private static IEnumerable<Member> Flatten(Type record, int start)
    {
        foreach (FieldInfo field in record.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            Type type = field.FieldType.IsEnum ? field.FieldType.GetEnumUnderlyingType() : field.FieldType;
            int offset = start + (int)Marshal.OffsetOf(record, field.Name);
            if (type == typeof(Le64) || type == typeof(Le32) || type == typeof(Le16) || type == typeof(byte))
                yield return new Member(field.Name, offset, Marshal.SizeOf(type));
            else if (type == typeof(Uuid))
                yield return new Member(field.Name, offset, sizeof(ulong));
            else if (type.GetCustomAttribute<InlineArrayAttribute>() is null)
            {
                foreach (Member member in Flatten(type, offset))
                    yield return member with { Name = $"{field.Name}.{member.Name}" };
            }
        }
    }
}
