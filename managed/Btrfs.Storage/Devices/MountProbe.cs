namespace Btrfs.Storage;

/// <param name="IsMounted">Whether the running kernel has the file system on a device mounted.</param>
/// <param name="Notice">The sentence that says so; null where it is not.</param>
internal readonly record struct MountState(bool IsMounted, string? Notice);

/// <summary>
/// Finds out whether the kernel has a device mounted, from sysfs and the mount table. sysfs knows all devices of every mounted btrfs,
/// in other mount namespaces too; the mount table adds where, but only names one device of each file system.
/// </summary>
internal static class MountProbe
{
    private const string FileSystems = "/sys/fs/btrfs";
    private const string BlockDevices = "/sys/block";
    private const string MountTable = "/proc/self/mountinfo";

    public static MountState Find(string path, bool isBlockDevice)
    {
        try
        {
            string real = Resolve(path);
            foreach (string device in isBlockDevice ? [Path.GetFileName(real)] : LoopDevicesOver(real))
            {
                if (MembersOf(device) is not { } members)
                    continue;

                string through = isBlockDevice ? "" : $" through /dev/{device}";
                string where = MountPointOf(members) is { } point ? $" at {point}" : "";
                return new MountState(true, $"{path} is mounted{through}{where}");
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return new MountState(false, $"whether {path} is mounted can't be found out: {error.Message}");
        }

        return new MountState(false, null);
    }

    /// <summary>The path without symbolic links, as sysfs spells it.</summary>
    private static string Resolve(string path)
    {
        string resolved = "/";
        foreach (string part in Path.GetFullPath(path).Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            resolved = Path.Combine(resolved, part);
            if (File.ResolveLinkTarget(resolved, returnFinalTarget: true) is { } target)
                resolved = Resolve(target.FullName);
        }

        return resolved;
    }

    private static IEnumerable<string> LoopDevicesOver(string path)
    {
        if (!Directory.Exists(BlockDevices))
            yield break;

        foreach (string device in Directory.EnumerateDirectories(BlockDevices, "loop*").Order(StringComparer.Ordinal))
        {
            if (BackingFileOf(device) == path)
                yield return Path.GetFileName(device);
        }
    }

    // Only a loop device that is bound has the file, and others bind and unbind theirs while we look.
    private static string? BackingFileOf(string device)
    {
        string backing = Path.Combine(device, "loop", "backing_file");
        try
        {
            return File.Exists(backing) ? File.ReadAllText(backing).TrimEnd('\n') : null;
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>The device names of the mounted file system that has this one; null where none has.</summary>
    private static HashSet<string>? MembersOf(string device)
    {
        if (!Directory.Exists(FileSystems))
            return null;

        foreach (string fileSystem in Directory.EnumerateDirectories(FileSystems))
        {
            string devices = Path.Combine(fileSystem, "devices");
            if (Directory.Exists(devices) && Path.Exists(Path.Combine(devices, device)))
                return [.. Directory.EnumerateFileSystemEntries(devices).Select(entry => Path.GetFileName(entry))];
        }

        return null;
    }

    private static string? MountPointOf(HashSet<string> members)
    {
        // id parent major:minor root point options [tags] - type source super-options
        foreach (string line in File.ReadLines(MountTable))
        {
            string[] fields = line.Split(' ');
            int dash = Array.IndexOf(fields, "-");
            if (dash > 4 && dash + 2 < fields.Length && fields[dash + 1] == "btrfs" && members.Contains(Path.GetFileName(fields[dash + 2])))
                return fields[4];
        }

        return null;
    }
}
