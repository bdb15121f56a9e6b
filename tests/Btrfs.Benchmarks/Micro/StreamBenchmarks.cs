using BenchmarkDotNet.Attributes;
using Btrfs.Stream;

namespace Btrfs.Benchmarks.Micro;

/// <summary>Commands into a sink that throws them away.</summary>
[MemoryDiagnoser]
public class StreamBenchmarks
{
    private readonly CommandWriter _writer = new(System.IO.Stream.Null, 1);
    private readonly byte[] _path = "some/directory/with/a/file"u8.ToArray();

    [Benchmark]
    public void SmallCommand()
    {
        _writer.Begin(CommandType.Chown);
        _writer.PutBytes(AttributeType.Path, _path);
        _writer.PutU64(AttributeType.Uid, 1000);
        _writer.PutU64(AttributeType.Gid, 1000);
        _writer.End();
    }

    [Benchmark]
    public void Write48KiB()
    {
        _writer.Begin(CommandType.Write);
        _writer.PutBytes(AttributeType.Path, _path);
        _writer.PutU64(AttributeType.FileOffset, 1 << 20);
        _writer.PutDataHeader(48 << 10);
        _writer.End();
    }
}
