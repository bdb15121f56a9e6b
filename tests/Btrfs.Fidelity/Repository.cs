namespace Btrfs.Fidelity;

/// <summary>The checkout that the tests were built from.</summary>
internal static class Repository
{
    /// <summary>Its top folder.</summary>
    /// <exception cref="DirectoryNotFoundException">The program doesn't lie within one.</exception>
    public static string Root { get; } = Find();

    private static string Find()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "BtrfsEngine.sln")))
            folder = Path.GetDirectoryName(folder);
        return folder ?? throw new DirectoryNotFoundException($"{AppContext.BaseDirectory} is not within a checkout of the repository");
    }
}
