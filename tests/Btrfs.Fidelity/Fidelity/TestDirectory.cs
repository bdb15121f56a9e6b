namespace Btrfs.Fidelity;

/// <summary>A directory for images and streams, below BTRFS_TEST_DIR or the system's temporary directory; removed at the end.</summary>
internal sealed class TestDirectory : IDisposable
{
    public TestDirectory()
    {
        string parent = Environment.GetEnvironmentVariable("BTRFS_TEST_DIR") is { Length: > 0 } chosen ? chosen : System.IO.Path.GetTempPath();
        Path = System.IO.Path.Combine(parent, $"btrfs-fidelity-{Environment.ProcessId}-{Guid.NewGuid():n}");
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
