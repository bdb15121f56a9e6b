using System.Buffers.Binary;

namespace Btrfs.Fidelity.Kernel;

/// <summary>
/// Waits for the cleaner, which drops the trees of deleted subvolumes in the background. The kernel's own ioctl for this
/// (BTRFS_IOC_SUBVOL_SYNC_WAIT) counts a subvolume as gone when its drop begins; here its root item must be gone.
/// </summary>
internal static unsafe class DeletedSubvolumes
{
    private const uint RootItemType = 132;
    private const ulong FirstSubvolume = 256;
    private const ulong LastSubvolume = ulong.MaxValue - 255;
    private const ulong RootTree = 1;

    // struct btrfs_ioctl_search_args: the key, then the items found, each behind a header.
    private const int ArgumentsSize = 4096;
    private const int KeySize = 104;
    private const int ItemCountOffset = 64;
    private const int HeaderSize = 32;

    // Place of the reference count in a root item: 0 once the subvolume is deleted.
    private const int ReferencesOffset = 216;

    private static readonly ulong s_treeSearch = BtrfsIoctl.ReadWrite(17, ArgumentsSize);

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    internal static void WaitUntilGone(int topLevel)
    {
        DateTime limit = DateTime.UtcNow + s_limit;
        do
        {
            if (DateTime.UtcNow > limit)
                throw new InvalidOperationException($"deleted subvolumes are still there after {s_limit.TotalSeconds} s");
            // The sync wakes the cleaner, which else sleeps up to 30 s; the last one commits what the cleaner did.
            KernelException.Check(BtrfsIoctl.Sync(topLevel), "sync");
            Thread.Sleep(1);
        }
        while (IsAnyLeft(topLevel));
        KernelException.Check(BtrfsIoctl.Sync(topLevel), "sync");
    }

    private static bool IsAnyLeft(int topLevel)
    {
        Span<byte> arguments = stackalloc byte[ArgumentsSize];
        ulong next = FirstSubvolume;
        while (true)
        {
            int count = Search(topLevel, arguments, next);
            if (count == 0)
                return false;
            int position = KeySize;
            for (int i = 0; i < count; i++)
            {
                Span<byte> header = arguments.Slice(position, HeaderSize);
                int length = BinaryPrimitives.ReadInt32LittleEndian(header[28..]);
                Span<byte> item = arguments.Slice(position + HeaderSize, length);
                if (BinaryPrimitives.ReadUInt32LittleEndian(header[24..]) == RootItemType
                    && BinaryPrimitives.ReadUInt32LittleEndian(item[ReferencesOffset..]) == 0)
                {
                    return true;
                }

                next = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]) + 1;
                position += HeaderSize + length;
            }
        }
    }

    // Finds root items of subvolumes from an id on, as many as fit, mixed with other items of the same ids.
    private static int Search(int topLevel, Span<byte> arguments, ulong firstId)
    {
        arguments.Clear();
        ReadOnlySpan<ulong> key = [RootTree, firstId, LastSubvolume, 0, ulong.MaxValue, 0, ulong.MaxValue, (ulong)RootItemType << 32 | RootItemType, uint.MaxValue];
        for (int i = 0; i < key.Length; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(arguments[(8 * i)..], key[i]);
        fixed (byte* start = arguments)
            KernelException.Check(Syscall.Ioctl(topLevel, s_treeSearch, start), "search the root tree");
        return BinaryPrimitives.ReadInt32LittleEndian(arguments[ItemCountOffset..]);
    }
}
