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
public struct RootItem
{
    public InodeItem Inode;
    public Le64 Generation;
    public Le64 RootDirId;
    public Le64 Bytenr;
    public Le64 ByteLimit;
    public Le64 BytesUsed;
    public Le64 LastSnapshot;
    private Le64 _flags;
    public Le32 Refs;
    public DiskKey DropProgress;
    public byte DropLevel;
    public byte Level;

    /// <summary>Equal to <see cref="Generation"/> where the members below were kept up to date.</summary>
    public Le64 GenerationV2;
    public Uuid Uuid;
    public Uuid ParentUuid;
    public Uuid ReceivedUuid;
    public Le64 CTransId;
    public Le64 OTransId;
    public Le64 STransId;
    public Le64 RTransId;
    public DiskTime CTime;
    public DiskTime OTime;
    public DiskTime STime;
    public DiskTime RTime;
    private Reserved64 _reserved;

    public const int Size = 439;
    public const int LegacySize = 239;

    public RootFlags Flags
    {
        readonly get => (RootFlags)_flags.Value;
        set => _flags = (ulong)value;
    }
}

[System.Runtime.CompilerServices.InlineArray(64)]
public struct Reserved64
{
    private byte _first;
}
