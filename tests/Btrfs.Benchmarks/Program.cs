using BenchmarkDotNet.Running;
using Btrfs.Benchmarks.Macro;

return args switch
{
    ["macro", .. string[] names] => MacroRun.Run(names),
    ["writing", .. string[] names] => WritingRun.Run(names),
    ["receive", .. string[] names] => ReceivingRun.Run(names),
    ["buffered", .. string[] names] => BufferedRun.Run(names),
    ["peak", string image, string row] => MacroRun.ReportPeak(image, row),
    ["micro", .. string[] rest] => Micro(rest),
    _ => Usage(),
};

static int Micro(string[] arguments)
{
    BenchmarkSwitcher.FromAssembly(typeof(MacroRun).Assembly).Run(arguments.Length == 0 ? ["--filter", "*"] : arguments);
    return 0;
}

static int Usage()
{
    Console.Error.WriteLine("usage: Btrfs.Benchmarks macro [ROW...] | writing [files] [rootdir] [check] | buffered [sequential] [random] [fsync] [mixed] | receive [big] [small] [reflinks] [compressed] | micro [BENCHMARKDOTNET OPTIONS]");
    Console.Error.WriteLine($"rows: {string.Join(", ", Measurement.All.Select(measurement => measurement.Name))}, command, start");
    return 2;
}
