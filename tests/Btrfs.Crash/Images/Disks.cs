using Btrfs.Storage;

namespace Btrfs.Crash.Images;

/// <summary>The devices of one file system at some time, and where on them anything may be but zeros.</summary>
/// <param name="Devices">In the order of the template.</param>
/// <param name="Pages">For each device the offsets of its pages that are not all zeros, and perhaps of some that are.</param>
internal sealed record Disks(IReadOnlyList<IBlockDevice> Devices, IReadOnlyList<IReadOnlySet<ulong>> Pages)
{
    public static Disks Of(Template template) => new(template.Devices, [.. template.Devices.Select(device => device.PageOffsets.ToHashSet())]);

    /// <summary>Devices for somebody to write to and to dispose of: what is written is seen by nobody else.</summary>
    public IReadOnlyList<IBlockDevice> Overlay() => [.. Devices.Select(device => new MemoryOverlayDevice(device, leaveOpen: true))];

    /// <summary>Makes sparse files of the devices.</summary>
    public IReadOnlyList<string> Save(string folder)
    {
        List<string> paths = [];
        byte[] page = new byte[PageDevice.PageSize];
        for (int i = 0; i < Devices.Count; i++)
        {
            string path = Path.Combine(folder, $"disk{i + 1}");
            using FileStream file = new(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            file.SetLength((long)Devices[i].SizeBytes);
            foreach (ulong offset in Pages[i])
            {
                Devices[i].Read(offset, page);
                if (page.AsSpan().ContainsAnyExcept((byte)0))
                    RandomAccess.Write(file.SafeFileHandle, page, (long)offset);
            }

            paths.Add(path);
        }

        return paths;
    }
}
