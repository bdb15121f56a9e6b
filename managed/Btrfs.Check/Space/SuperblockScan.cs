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
    /// <summary>What differs rightly from copy to copy and from device to device: the checksum, the address, and the device's own item.</summary>
    private static readonly int s_bytenrOffset = (int)Marshal.OffsetOf<Superblock>(nameof(Superblock.Bytenr));
    private static readonly int s_deviceOffset = (int)Marshal.OffsetOf<Superblock>(nameof(Superblock.DevItem));

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

                device.Block.Read(offset, bytes);
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

    private static bool IsOther(byte[] bytes, byte[] reference)
    {
        Blank(bytes);
        return !bytes.AsSpan().SequenceEqual(reference);
    }

    private static void Blank(Span<byte> super)
    {
        super[..FormatLimits.ChecksumFieldSize].Clear();
        super.Slice(s_bytenrOffset, sizeof(ulong)).Clear();
        super.Slice(s_deviceOffset, DevItem.Size).Clear();
    }
}
