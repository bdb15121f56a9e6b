using System.Runtime.InteropServices;

namespace Btrfs.Format;

[Flags]
public enum RootFlags : ulong
{
    None = 0,
    ReadOnly = 1UL << 0,

    /// <summary>Deleted, and still being cleaned up.</summary>
    Dead = 1UL << 48,
}

/// <summary>
/// A tree's root, and for subvolumes their identity. Key: (root id, RootItem, 0 or the transaction that made a snapshot).
/// 439 bytes; file systems from before 2012 hold only the first <see cref="LegacySize"/>.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
public readonly struct RootItem
{
    public readonly InodeItem Inode;
    public readonly Le64 Generation;
    public readonly Le64 RootDirId;
    public readonly Le64 Bytenr;
    public readonly Le64 ByteLimit;
    public readonly Le64 BytesUsed;
    public readonly Le64 LastSnapshot;
    private readonly Le64 _flags;
    public readonly Le32 Refs;
    public readonly DiskKey DropProgress;
    public readonly byte DropLevel;
    public readonly byte Level;

    /// <summary>Equal to <see cref="Generation"/> where the members below were kept up to date.</summary>
    public readonly Le64 GenerationV2;
    public readonly Uuid Uuid;
    public readonly Uuid ParentUuid;
    public readonly Uuid ReceivedUuid;
    public readonly Le64 CTransId;
    public readonly Le64 OTransId;
    public readonly Le64 STransId;
    public readonly Le64 RTransId;
    public readonly DiskTime CTime;
    public readonly DiskTime OTime;
    public readonly DiskTime STime;
    public readonly DiskTime RTime;
    private readonly Reserved64 _reserved;

    public const int Size = 439;
    public const int LegacySize = 239;

    public RootFlags Flags => (RootFlags)_flags.Value;
}

[System.Runtime.CompilerServices.InlineArray(64)]
public struct Reserved64
{
    private byte _first;
}
