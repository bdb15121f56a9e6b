using System.Runtime.InteropServices;
using Btrfs.Format;

namespace Btrfs.Storage;

/// <summary>Finds the superblock of one device: the newest copy that is valid.</summary>
internal static class SuperblockCopies
{
    /// <summary>Reads all copies that fit the device and returns the best.</summary>
    /// <param name="device">Where to look.</param>
    /// <param name="notices">Told when the primary copy was not the one.</param>
    /// <exception cref="CorruptMetadataException">No copy is valid; the message says what is wrong with the primary.</exception>
    /// <exception cref="IOException">The device could not be read.</exception>
    public static Superblock ReadNewest(IBlockDevice device, List<string> notices)
    {
        byte[] bytes = new byte[FormatLimits.SuperblockSize];
        Superblock best = default;
        bool found = false;
        string? primaryFault = null;
        foreach (ulong offset in FormatLimits.SuperblockOffsets)
        {
            string? fault = TryRead(device, offset, bytes);
            if (offset == FormatLimits.SuperblockOffsets[0])
                primaryFault = fault;
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
                // A copy of another file system is what was left of an older one, whatever its generation.
                notices.Add($"{device.Name}: the superblock at {offset} is newer than the one at {best.Bytenr.Value}: generation {copy.Generation.Value}, {best.Generation.Value}");
                best = copy;
            }
        }

        if (!found)
            throw new CorruptMetadataException($"{device.Name}: no valid superblock: {primaryFault}");
        if (primaryFault is not null)
            notices.Add($"{device.Name}: {primaryFault}; using the copy at {best.Bytenr.Value} of generation {best.Generation.Value}");

        return best;
    }

    private static string? TryRead(IBlockDevice device, ulong offset, byte[] bytes)
    {
        if (offset + FormatLimits.SuperblockSize > device.SizeBytes)
            return $"the device has {device.SizeBytes} bytes, too few for a superblock at {offset}";

        try
        {
            device.Read(offset, bytes);
        }
        catch (IOException error)
        {
            return $"the superblock at {offset} can't be read: {error.Message}";
        }

        return SuperblockGate.Fault(bytes, offset);
    }
}
