using System.Runtime.InteropServices;
using Btrfs.Check.Walking;
using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Check.Space;

/// <summary>
/// The copies of the superblock on every device. One that is older or torn is no fault: a power cut leaves such, and the newest counts. Two of one
/// generation that differ are.
/// </summary>
internal static class SuperblockScan
{
    /// <summary>
    /// What differs rightly from copy to copy and from device to device: the checksum, the address, the device's own item, and the log, which an fsync
    /// writes to the first copy only.
    /// </summary>
    private static readonly (int Offset, int Length)[] s_own =
    [
        (0, FormatLimits.ChecksumFieldSize),
        (OffsetOf(nameof(Superblock.Bytenr)), sizeof(ulong)),
        (OffsetOf(nameof(Superblock.LogRoot)), sizeof(ulong)),
        (OffsetOf(nameof(Superblock.LogRootTransId)), sizeof(ulong)),
        (OffsetOf(nameof(Superblock.LogRootLevel)), sizeof(byte)),
        (OffsetOf(nameof(Superblock.DevItem)), DevItem.Size),
    ];

    public static void Compare(CheckState state)
    {
        Superblock super = state.Fs.Superblock;
        byte[] reference = new byte[Superblock.Size];
        MemoryMarshal.Write(reference, super);
        Blank(reference);

        byte[] bytes = new byte[Superblock.Size];
        foreach (Device device in state.Fs.Devices.Devices)
        {
            foreach (ulong offset in FormatLimits.SuperblockOffsets)
            {
                if (offset + Superblock.Size > device.Block.SizeBytes)
                    continue;

                if (!TryRead(device, offset, bytes))
                {
                    state.Notices.Add($"{device.Block.Name}: the superblock copy at {offset} can't be read");
                    continue;
                }

                ref readonly Superblock copy = ref MemoryMarshal.AsRef<Superblock>(bytes);
                if (copy.Magic != Superblock.ExpectedMagic || copy.Bytenr != offset || copy.CsumType != super.CsumType
                    || !Checksums.VerifyBlock(Checksums.For(super.CsumType), bytes, out _))
                    state.Notices.Add($"{device.Block.Name}: the superblock copy at {offset} is not valid");
                else if (copy.Fsid != super.Fsid || copy.Generation != super.Generation)
                    state.Notices.Add($"{device.Block.Name}: the superblock copy at {offset} has generation {copy.Generation}, the newest has {super.Generation}");
                else if (IsOther(bytes, reference))
                    state.Log.Add(FindingKind.Superblock, 0, null, $"{device.Block.Name}: the superblock copy at {offset} differs from the newest though it has its generation");
            }
        }
    }

    private static bool TryRead(Device device, ulong offset, byte[] bytes)
    {
        try
        {
            device.Block.Read(offset, bytes);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static bool IsOther(byte[] bytes, byte[] reference)
    {
        Blank(bytes);
        return !bytes.AsSpan().SequenceEqual(reference);
    }

    private static void Blank(Span<byte> super)
    {
        foreach ((int offset, int length) in s_own)
            super.Slice(offset, length).Clear();
    }

    private static int OffsetOf(string member) => (int)Marshal.OffsetOf<Superblock>(member);
}
