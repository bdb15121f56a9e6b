using System.Diagnostics;
using System.Globalization;
using Btrfs.Fidelity;

return args switch
{
    ["export", string seed, string directory] => ExportSeed(seed, directory),
    _ => Usage(),
};

static int ExportSeed(string seed, string directory)
{
    Stopwatch watch = Stopwatch.StartNew();
    Export export = Export.Write(ulong.Parse(seed, CultureInfo.InvariantCulture), directory);
    Console.WriteLine($"seed {seed}: {export.Options}");
    Console.WriteLine(
        $"{export.Snapshots.Length} snapshots, {export.Streams.Length} streams, {export.Streams.Sum(stream => stream.LengthBytes):n0} bytes,"
        + $" {export.Streams.Count(stream => stream.Errno != 0)} refused by the kernel, {watch.Elapsed.TotalSeconds:f1} s");
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("usage: Btrfs.Fidelity export SEED DIRECTORY");
    return 2;
}
