using Microsoft.Win32.SafeHandles;

namespace Btrfs.Benchmarks.Macro;

/// <summary>A file that is written and forgotten, or /dev/null.</summary>
internal sealed class FileSink : BenchmarkSink
{
    private const string Nothing = "/dev/null";

    private readonly string _path;

    public FileSink(string path)
    {
        _path = path;
        Handle = File.OpenHandle(path, path == Nothing ? FileMode.Open : FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
    }

    public override long Bytes => _path == Nothing ? 0 : RandomAccess.GetLength(Handle);

    protected override SafeFileHandle Handle { get; }

    public override void Finish()
    {
    }

    public override void Dispose()
    {
        Handle.Dispose();
        if (_path != Nothing)
            File.Delete(_path);
    }
}
