#!/bin/sh
ls boats | wc -l
