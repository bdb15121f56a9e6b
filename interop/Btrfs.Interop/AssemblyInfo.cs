using System.Runtime.CompilerServices;

// Every signature of the ABI is blittable: with no marshalling to consider, ReadyToRun compiles the calls ahead of time.
[assembly: DisableRuntimeMarshalling]
