using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>Finds the superblock of one device: the newest copy that is valid.</summary>
internal static class SuperblockCopies
{
    /// <summary>Reads all copies that fit the device and returns the best.</summary>
    /// <param name="device">Where to look.</param>
    /// <param name="toWrite">Whether copies will be written: then each must be readable. What can't be read might be the newest, and what is older replace it.</param>
    /// <param name="notices">Told when the primary copy was not the one.</param>
    /// <exception cref="IOException">A copy can't be read, and copies are to be written.</exception>
    /// <exception cref="CorruptMetadataException">No copy is valid; the message says what is wrong with the primary.</exception>
    /// <exception cref="UnsupportedFeatureException">No copy is valid, and the primary only for a feature that this engine lacks.</exception>
    public static Superblock ReadNewest(IBlockDevice device, bool toWrite, List<string> notices)
    {
        byte[] bytes = new byte[FormatLimits.SuperblockSize];
        Superblock best = default;
        bool found = false;
        Exception? primaryFault = null;
        foreach (ulong offset in FormatLimits.SuperblockOffsets)
        {
            Exception? fault = TryRead(device, offset, bytes);
            if (offset == FormatLimits.SuperblockOffsets[0])
                primaryFault = fault;
            if (fault is IOException && toWrite)
                throw new IOException($"{device.Name}: it can't be told which superblock is the newest, so nothing is written: the copy at {offset} can't be read: {fault.Message}", fault);
            if (fault is not null)
                continue;

            ref readonly Superblock copy = ref MemoryMarshal.AsRef<Superblock>(bytes);
            if (!found)
            {
                best = copy;
                found = true;
            }
            else if (copy.Fsid == best.Fsid && copy.Generation > best.Generation)
            {
                // A copy with another UUID is what was left of an older file system, whatever its generation.
                notices.Add($"{device.Name}: using the superblock copy at {offset} of generation {copy.Generation}, the one at {best.Bytenr} has generation {best.Generation}");
                best = copy;
            }
        }

        if (!found && primaryFault is UnsupportedFeatureException)
            throw new UnsupportedFeatureException($"{device.Name}: {primaryFault.Message}");
        if (!found)
            throw new CorruptMetadataException($"{device.Name}: no valid superblock: {primaryFault!.Message}");
        if (primaryFault is not null)
            notices.Add($"{device.Name}: {primaryFault.Message}; using the superblock copy at {best.Bytenr} of generation {best.Generation}");

        return best;
    }

    private static Exception? TryRead(IBlockDevice device, ulong offset, byte[] bytes)
    {
        if (device.SizeBytes < offset + FormatLimits.SuperblockSize)
            return new CorruptMetadataException($"no btrfs superblock at {offset}: the device ends at {device.SizeBytes}");

        try
        {
            device.Read(offset, bytes);
            ref readonly Superblock copy = ref MemoryMarshal.AsRef<Superblock>(bytes);
            if (copy.Magic != Superblock.ExpectedMagic)
                return new CorruptMetadataException($"no btrfs superblock at {offset}");
            if (!Checksums.VerifyBlock(Checksums.For(copy.CsumType), bytes, out string? mismatch))
                return new CorruptMetadataException($"corrupt superblock at {offset}: {mismatch}");

            SuperblockCheck.Verify(copy, offset);
            return null;
        }
        catch (Exception error) when (error is IOException or BtrfsException)
        {
            return error;
        }
    }
}
