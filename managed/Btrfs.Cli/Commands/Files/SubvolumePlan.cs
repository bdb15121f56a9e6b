using Btrfs.Format;

namespace Btrfs.Cli.Commands.Files;

/// <summary>A directory that becomes a subvolume: <c>[TYPE:]PATH</c>.</summary>
internal sealed class SubvolumePlan
{
    public required string Path { get; init; }

    public bool IsReadOnly { get; init; }

    public bool IsDefault { get; init; }

    /// <summary>Null for a random one.</summary>
    public Uuid? Uuid { get; set; }

    /// <summary>Whether the directory was there.</summary>
    public bool IsDone { get; set; }

    /// <exception cref="UsageException">The type is unknown, or the path leads out of the tree.</exception>
    public static SubvolumePlan Parse(string text)
    {
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        string type = colon < 0 ? "rw" : text[..colon];
        string path = string.Join('/', text[(colon + 1)..].Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != "."));
        if (type is not ("rw" or "ro" or "default" or "default-ro"))
            throw new UsageException($"'{type}' is not a type of subvolume, only rw, ro, default and default-ro are");
        if (path.Length == 0 || path.Split('/').Contains(".."))
            throw new UsageException($"'{text}' is not a path below the directory");
        return new SubvolumePlan { Path = path, IsReadOnly = type is "ro" or "default-ro", IsDefault = type is "default" or "default-ro" };
    }
}
