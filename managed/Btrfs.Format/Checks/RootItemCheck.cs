using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Btrfs.Format;

/// <summary>Root items, and the index from UUIDs to them.</summary>
internal static class RootItemCheck
{
    /// <summary>The first member that an item from before 2012 lacks stands right behind its end.</summary>
    private const int GenerationV2Offset = RootItem.LegacySize;

    public static void Verify(in LeafCursor item)
    {
        if (item.Key.ObjectId == 0)
            throw item.Corrupt("invalid root id 0");
        if (item.Key.ObjectId == ObjectIds.TreeReloc && item.Key.Offset == 0)
            throw item.Corrupt("invalid root id 0 for a relocation tree");
        if (item.Data.Length is not (RootItem.Size or RootItem.LegacySize))
            throw item.Corrupt($"invalid root item size, have {item.Data.Length} expect {RootItem.Size} or {RootItem.LegacySize}");

        ref readonly RootItem root = ref Members(item.Data);
        item.RequireGeneration(root.Generation, "root generation");
        item.RequireGeneration(root.LastSnapshot, "root last_snapshot");
        if (item.Data.Length == RootItem.Size)
            item.RequireGeneration(Overlay.At<Le64>(item.Data[GenerationV2Offset..]), "root generation_v2");

        item.RequireAligned(root.Bytenr, "root bytenr");
        if (root.Level >= FormatLimits.MaxTreeLevel)
            throw item.Corrupt($"invalid root level, have {root.Level} expect at most {FormatLimits.MaxTreeLevel - 1}");
        if (root.DropLevel >= FormatLimits.MaxTreeLevel)
            throw item.Corrupt($"invalid root drop_level, have {root.DropLevel} expect at most {FormatLimits.MaxTreeLevel - 1}");

        RootFlags unknown = root.Flags & ~(RootFlags.ReadOnly | RootFlags.Dead);
        if (unknown != 0)
            throw item.Corrupt($"invalid root flags 0x{(ulong)unknown:x}");
    }

    /// <summary>One UUID may stand for several subvolumes: a list of root ids.</summary>
    public static void VerifyUuidEntry(in LeafCursor item)
    {
        if (item.Data.IsEmpty || item.Data.Length % sizeof(ulong) != 0)
            throw item.Corrupt($"invalid uuid item size, have {item.Data.Length} expect a multiple of {sizeof(ulong)}");
    }

    /// <summary>A legacy item is shorter than the record: only members below <see cref="RootItem.LegacySize"/> may be read through this.</summary>
    private static ref readonly RootItem Members(ReadOnlySpan<byte> data) =>
        ref Unsafe.As<byte, RootItem>(ref MemoryMarshal.GetReference(data));
}
